namespace MailProxy.Pipeline.Mail;

/// <summary>An attachment whose content is fetched just before the attempt.</summary>
/// <param name="Index">Its place in the message's list, from 0.</param>
/// <param name="Sha256">What the content must hash to (32 bytes), or null.</param>
/// <param name="Md5">The same in the old notation (16 bytes), or null.</param>
/// <param name="Size">What its length must be in bytes, or null.</param>
/// <param name="Auth">What is sent to the source, or null; only ever with a <see cref="AttachmentPlace.Url"/>.</param>
public sealed record AttachmentRef(
    int Index,
    AttachmentPlace Place,
    byte[]? Sha256 = null,
    byte[]? Md5 = null,
    long? Size = null,
    SourceAuth? Auth = null
)
{
    // The generated text would print what Auth and Place keep to themselves.
    public override string ToString() => $"attachment {Index} from {Place}";
}

/// <summary>
/// Where an attachment's content is: a closed set. Equal places name the same content; the text of one may stand in events and logs (no
/// credentials, no query).
/// </summary>
public abstract record AttachmentPlace
{
    private AttachmentPlace() { }

    /// <summary>An absolute http or https address, without user info and fragment.</summary>
    public sealed record Url(Uri Address) : AttachmentPlace
    {
        // Uri's own comparison leaves parts out.
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

    /// <summary>Whatever the tenant's own attachment endpoint knows by this name.</summary>
    public sealed record Endpoint(string StoragePath) : AttachmentPlace
    {
        public override string ToString() => $"attachment endpoint: {(StoragePath.Length > 200 ? StoragePath[..200] + "…" : StoragePath)}";
    }
}
