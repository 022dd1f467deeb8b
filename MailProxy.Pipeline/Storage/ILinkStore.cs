using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Links that replace large attachments in messages, and the objects in volumes that they lead to. An object's row exists before the
/// object
/// is uploaded, and is deleted after the object.
/// </summary>
public interface ILinkStore
{
    /// <summary>32 bytes that sign the links of this installation; they never change.</summary>
    ReadOnlyMemory<byte> SigningKey { get; }

    /// <summary>The links of a message's revision that still work.</summary>
    Task<IReadOnlyList<FileLink>> LinksAsync(long message, int revision, long now);

    /// <summary>A link and its object; null when there is none.</summary>
    Task<StoredLink?> FindAsync(long link);

    /// <summary>
    /// The object with this content, kept at least until <paramref name="expiresAt"/>: an existing one, or a new one that is not yet
    /// uploaded.
    /// </summary>
    /// <param name="key">The path of a new object.</param>
    Task<LinkObject> ReserveAsync(LinkContent content, string key, long expiresAt, long now);

    /// <summary>Records that the object is in its volume.</summary>
    Task UploadedAsync(long number);

    /// <summary>Adds a link to an object in its volume, or returns the link that the message already has for this attachment.</summary>
    /// <param name="url">Makes the address from the link's number; pure.</param>
    Task<FileLink> AddAsync(NewLink link, Func<long, string> url, long now);

    /// <summary>When the next object must be removed; null when there is none.</summary>
    Task<long?> NextRemovalAsync();

    /// <summary>
    /// Takes expired objects, which no new link can use from then on. Each is returned again until <see cref="RemovedAsync"/>. Also
    /// deletes links
    /// that expired long ago.
    /// </summary>
    Task<IReadOnlyList<LinkObject>> TakeRemovalsAsync(long now, int limit);

    /// <summary>Records that the object was removed from its volume, and deletes its row and its links.</summary>
    Task RemovedAsync(long number);

    /// <summary>Records that the object could not be removed, and when to try again.</summary>
    Task NotRemovedAsync(long number, long again);
}

/// <summary>Identifies an object: one tenant's content in one volume.</summary>
/// <param name="Place">The volume's storage at the time of upload; if the volume has moved, it no longer has the object.</param>
public sealed record LinkContent(string Tenant, string VolumeTenant, string Volume, string Place, byte[] Sha256, long Size);

/// <summary>An object in a volume.</summary>
/// <param name="Key">Its path in the volume.</param>
/// <param name="ExpiresAt">When its last link expires.</param>
/// <param name="Tries">Failed attempts to remove it.</param>
public sealed record LinkObject(long Number, LinkContent Content, string Key, bool Uploaded, long ExpiresAt, int Tries);

/// <summary>A link to be added.</summary>
public sealed record NewLink(long Message, int Revision, int Index, long Object, string Name, string ContentType, long ExpiresAt);

/// <summary>A link as a download needs it.</summary>
public sealed record StoredLink(long Number, string Name, string ContentType, long ExpiresAt, LinkObject Object);
