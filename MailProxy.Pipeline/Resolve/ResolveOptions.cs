using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Resolve;

/// <summary>How mail is loaded before it is sent.</summary>
public sealed class ResolveOptions
{
    /// <summary>
    /// Mails loaded by themselves at the same time, because they are large or carry more; a tenant has its share. Ordinary mail is loaded
    /// together.
    /// </summary>
    [Range(1, 64)]
    public int Workers { get; set; } = 4;

    /// <summary>
    /// Bytes of bodies in memory until their attempt ends; a tenant has its share. A body larger than a quarter counts as a quarter, and
    /// there are at most two of those.
    /// </summary>
    [Range(1_024, 17_179_869_184)]
    public long BodyBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// Directories below which a message may name a file by its absolute path. Every tenant may, so name none that holds anything else. The
    /// daemon's own files in the data directory are refused all the same.
    /// </summary>
    [AbsolutePaths]
    public string[] AllowedRoots { get; set; } = [];

    /// <summary>Bytes of one fetched attachment.</summary>
    [Range(1_024, 17_179_869_184)]
    public long MaxAttachmentBytes { get; set; } = 100 * 1024 * 1024;

    /// <summary>How long a source may take to begin its answer, connecting (at most 13 s) included.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan FirstByteTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a source that has begun may pause. There is no limit for the whole.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What a source must send on average over every stretch of <c>StallTimeout</c>; a slower one counts as down. 0: no limit.
    /// </summary>
    [Range(0, 1_000_000_000)]
    public int MinBytesPerSecond { get; set; } = 1024;

    /// <summary>Attachments fetched at the same time; a tenant has its share, one source host a quarter at most.</summary>
    [Range(1, 1024)]
    public int Fetches { get; set; } = 32;

    /// <summary>Attachments fetched at the same time from one host, volume or endpoint; a tenant has its share.</summary>
    [Range(1, 1024)]
    public int FetchesPerHost { get; set; } = 8;

    /// <summary>
    /// Bytes on disk that are being fetched or wait for their mail; a fetch waits for capacity. A tenant has its share, one source host a
    /// quarter at most.
    /// </summary>
    [Range(1_024, 1_099_511_627_776)]
    public long FetchBytes { get; set; } = 2L * 1024 * 1024 * 1024;

    /// <summary>Attachments that mails wait for; a tenant has its share, and a mail beyond that is deferred for a short time.</summary>
    [Range(1, 1_000_000)]
    public int SetAside { get; set; } = 10_000;

    /// <summary>Bytes of fetched content kept on disk for the next mail that carries it, without what mail holds at the moment.</summary>
    [Range(0, 1_099_511_627_776)]
    public long CacheBytes { get; set; } = 1024 * 1024 * 1024;

    /// <summary>Content that nobody used for so long is removed.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "365.00:00:00")]
    public TimeSpan CacheAge { get; set; } = TimeSpan.FromDays(1);
}
