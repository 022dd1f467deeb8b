using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Links that stand in messages instead of large attachments, and the objects in volumes that they lead to. An object's row is there before
/// the object, and goes after it.
/// </summary>
public interface ILinkStore
{
    /// <summary>32 bytes that sign this installation's links; the same for ever.</summary>
    ReadOnlyMemory<byte> SigningKey { get; }

    /// <summary>The links of a message's revision that still work.</summary>
    Task<IReadOnlyList<FileLink>> LinksAsync(long message, int revision, long now);

    /// <summary>A link and its object, or null.</summary>
    Task<StoredLink?> FindAsync(long link);

    /// <summary>
    /// The object of this content, kept at least until <paramref name="expiresAt"/>: the one there is, else a new one, not yet uploaded.
    /// </summary>
    /// <param name="key">Of a new one.</param>
    Task<LinkObject> ReserveAsync(LinkContent content, string key, long expiresAt, long now);

    /// <summary>The object is in its volume.</summary>
    Task UploadedAsync(long number);

    /// <summary>Adds a link to an object that is in its volume, or gives the one that the message has for this attachment.</summary>
    /// <param name="url">Makes the address from the link's number; pure.</param>
    Task<FileLink> AddAsync(NewLink link, Func<long, string> url, long now);

    /// <summary>When the next object is to be removed; null: there is none.</summary>
    Task<long?> NextRemovalAsync();

    /// <summary>
    /// Takes objects whose time is over: no link gets them any more. They come again until <see cref="RemovedAsync"/>. Forgets links that
    /// ended long ago.
    /// </summary>
    Task<IReadOnlyList<LinkObject>> TakeRemovalsAsync(long now, int limit);

    /// <summary>It is gone from its volume: its row and its links go too.</summary>
    Task RemovedAsync(long number);

    /// <summary>It could not be removed; again at this time.</summary>
    Task NotRemovedAsync(long number, long again);
}

/// <summary>What an object is: one tenant's content in one volume.</summary>
/// <param name="Place">Where the volume was when it was put there; a volume that was moved no longer has it.</param>
public sealed record LinkContent(string Tenant, string VolumeTenant, string Volume, string Place, byte[] Sha256, long Size);

/// <summary>An object in a volume.</summary>
/// <param name="Key">Its path in the volume.</param>
/// <param name="ExpiresAt">Its last link works until then.</param>
/// <param name="Tries">To remove it.</param>
public sealed record LinkObject(long Number, LinkContent Content, string Key, bool Uploaded, long ExpiresAt, int Tries);

/// <summary>A link to be added.</summary>
public sealed record NewLink(long Message, int Revision, int Index, long Object, string Name, string ContentType, long ExpiresAt);

/// <summary>A link as a download needs it.</summary>
public sealed record StoredLink(long Number, string Name, string ContentType, long ExpiresAt, LinkObject Object);
