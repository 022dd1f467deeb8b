namespace MailProxy.Pipeline.Resolve;

/// <summary>What a link of this daemon leads to: a closed set.</summary>
public abstract record Download
{
    private Download() { }

    /// <summary>A file of this machine. Whoever takes it disposes the content.</summary>
    /// <param name="Tag">The same for the same content.</param>
    public sealed record File(Stream Content, string Name, string ContentType, DateTimeOffset Modified, string Tag) : Download;

    /// <summary>An address that works for a few minutes.</summary>
    public sealed record Elsewhere(Uri Address) : Download;

    /// <summary>There never was such a link, or its file is gone.</summary>
    public sealed record Unknown : Download;

    /// <summary>The link's time is over.</summary>
    public sealed record Expired : Download;

    /// <summary>The volume cannot be reached now.</summary>
    public sealed record Unavailable : Download;
}
