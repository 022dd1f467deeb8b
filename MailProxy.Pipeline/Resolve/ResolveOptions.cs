using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Resolve;

/// <summary>How mail is loaded before it is sent.</summary>
public sealed class ResolveOptions
{
    /// <summary>Mails loaded at the same time, 1 to 64; default 4. Each is one read of the store.</summary>
    [Range(1, 64)]
    public int Workers { get; set; } = 4;

    /// <summary>Bytes of bodies held in memory between Resolve and the end of an attempt; a larger one goes alone. Default 64 MB.</summary>
    [Range(1_024, 17_179_869_184)]
    public long BodyBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Directories below which a message may name a file by its absolute path. Every tenant may; so give none that holds anything else. Default: none.</summary>
    [AbsolutePaths]
    public string[] AllowedRoots { get; set; } = [];

    /// <summary>Bytes of one fetched attachment; default 100 MB.</summary>
    [Range(1_024, 17_179_869_184)]
    public long MaxAttachmentBytes { get; set; } = 100 * 1024 * 1024;

    /// <summary>How long a source may take to begin its answer, connecting (at most 10 s) included; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan FirstByteTimeout { get; set; } = TimeSpan.FromSeconds(30);
}
