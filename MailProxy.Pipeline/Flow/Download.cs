namespace MailProxy.Pipeline.Flow;

/// <summary>What a link of this daemon leads to. A closed set.</summary>
public abstract record Download
{
    private Download() { }

    /// <summary>A file of this machine. The caller disposes the content.</summary>
    /// <param name="Tag">Entity tag: the same for the same content.</param>
    public sealed record File(Stream Content, string Name, string ContentType, DateTimeOffset Modified, string Tag) : Download;

    /// <summary>An address elsewhere that works for a few minutes.</summary>
    public sealed record Elsewhere(Uri Address) : Download;

    /// <summary>The link never existed, or its file is missing.</summary>
    public sealed record Unknown : Download;

    /// <summary>The link has expired.</summary>
    public sealed record Expired : Download;

    /// <summary>The volume cannot be reached at the moment.</summary>
    public sealed record Unavailable : Download;
}
