namespace MailProxy.Pipeline.Mail;

/// <summary>An attachment whose content is fetched just before the attempt.</summary>
/// <param name="Index">Its index in the message's list, from 0.</param>
/// <param name="Sha256">The hash that the content must have (32 bytes), or null.</param>
/// <param name="Md5">The same in the old notation (16 bytes), or null.</param>
/// <param name="Size">The length that the content must have, in bytes, or null.</param>
/// <param name="Auth">The credentials for the source, or null; with an <see cref="AttachmentPlace.Url"/>, or instead of those of the
/// endpoint with an <see cref="AttachmentPlace.Endpoint"/>.</param>
public sealed record AttachmentRef(
    int Index,
    AttachmentPlace Place,
    byte[]? Sha256 = null,
    byte[]? Md5 = null,
    long? Size = null,
    SourceAuth? Auth = null
)
{
    /// <summary>The name under which the content is found again (16 bytes), or null. It may be another MD5 than the content's.</summary>
    public byte[]? CacheMd5 { get; init; }

    /// <summary>The file's name for the recipient; null: not known here.</summary>
    public string? FileName { get; init; }

    /// <summary>The trace that a request for it belongs to; null: none.</summary>
    public TraceContext? Trace { get; init; }

    // The generated ToString would print the members of Auth and Place, which may be secret.
    public override string ToString() => $"attachment {Index} from {Place}";
}

/// <summary>
/// The address of an attachment's content. A closed set. Equal addresses name the same content; the text of an address may appear in
/// events
/// and logs, because it has no credentials and no query.
/// </summary>
public abstract record AttachmentPlace
{
    private AttachmentPlace() { }

    /// <summary>An absolute http or https address, without user info and fragment.</summary>
    public sealed record Url(Uri Address) : AttachmentPlace
    {
        // The comparison of Uri ignores some parts.
        public bool Equals(Url? other) => other is not null && other.Address.AbsoluteUri == Address.AbsoluteUri;

        public override int GetHashCode() => Address.AbsoluteUri.GetHashCode(StringComparison.Ordinal);

        public override string ToString() => $"{Address.Scheme}://{Address.Authority}{Address.AbsolutePath}";
    }

    /// <summary>A file of a volume. The path is relative, with <c>/</c> between its parts.</summary>
    public sealed record InVolume(string Volume, string Path) : AttachmentPlace
    {
        public override string ToString() => $"{Volume}:{Path}";
    }

    /// <summary>A file below one of the allowed roots.</summary>
    public sealed record AbsolutePath(string Path) : AttachmentPlace
    {
        public override string ToString() => Path;
    }

    /// <summary>Content that the tenant's own attachment endpoint knows by this name.</summary>
    public sealed record Endpoint(string StoragePath) : AttachmentPlace
    {
        public override string ToString() => $"attachment endpoint: {(StoragePath.Length > 200 ? StoragePath[..200] + "…" : StoragePath)}";
    }
}
