using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Intake;

/// <summary>What Ingest takes in, and what it refuses.</summary>
public sealed class IngestOptions
{
    /// <summary>Messages of one request.</summary>
    [Range(1, 100_000)]
    public int MaxMessages { get; set; } = 1_000;

    /// <summary>Bytes of one request.</summary>
    [Range(1_024, 1_073_741_824)]
    public long MaxRequestBytes { get; set; } = 50 * 1024 * 1024;

    /// <summary>Recipients of one message, each counted once.</summary>
    [Range(1, 100_000)]
    public int MaxRecipients { get; set; } = 1_000;

    /// <summary>Requests that wait to be judged.</summary>
    [Range(1, 65_536)]
    public int ChannelCapacity { get; set; } = 256;

    /// <summary>Bytes of request bodies in memory, from the first byte to the commit.</summary>
    [Range(1_024, 17_179_869_184)]
    public long RequestBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>How long a request waits for capacity before it is answered with 503.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan RequestWait { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Free bytes of the data directory's disk below which no mail is accepted (503); 0: no limit.</summary>
    [Range(0, long.MaxValue)]
    public long MinFreeBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>Bytes of a message's JSON above which it is a file in <c>spool/</c> and not a row.</summary>
    [Range(1_024, 16_777_216)]
    public int SpoolThreshold { get; set; } = 256 * 1024;

    /// <summary>How long after acceptance or <c>send_at</c> a message expires that has no <c>expires_at</c>.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan DefaultExpiry { get; set; } = TimeSpan.FromDays(5);

    /// <summary>How far ahead <c>send_at</c> and <c>expires_at</c> may lie. Catches milliseconds given for seconds.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "365250.00:00:00")]
    public TimeSpan MaxAhead { get; set; } = TimeSpan.FromDays(36_525);

    /// <summary>Attachments of one message.</summary>
    [Range(0, 100_000)]
    public int MaxAttachments { get; set; } = 500;

    /// <summary>The least rate of a request's body, in bytes a second; a slower one is answered with 408. 0: no limit.</summary>
    [Range(0, 1_073_741_824)]
    public int MinBodyBytesPerSecond { get; set; } = 4_096;

    /// <summary>How long a body may pause in total before that rate is required.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan BodyGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Characters of a subject.</summary>
    [Range(1, 100_000)]
    public int MaxSubjectLength { get; set; } = 2_000;

    /// <summary>Bytes of a message's <c>headers</c>, names and values together.</summary>
    [Range(256, 1_048_576)]
    public int MaxHeaderBytes { get; set; } = 64 * 1024;

    /// <summary>Further bodies (<c>alternatives</c>) of one message.</summary>
    [Range(0, 100)]
    public int MaxAlternatives { get; set; } = 10;

    /// <summary>Bytes of a message's <c>alternatives</c> together.</summary>
    [Range(1_024, 1_073_741_824)]
    public long MaxAlternativeBytes { get; set; } = 5 * 1024 * 1024;

    /// <summary>Tags of one message.</summary>
    [Range(0, 1_000)]
    public int MaxTags { get; set; } = 20;

    /// <summary>Characters of one tag.</summary>
    [Range(1, 1_000)]
    public int MaxTagLength { get; set; } = 128;

    /// <summary>Bytes of a message's <c>metadata</c> as compact JSON.</summary>
    [Range(2, 1_048_576)]
    public int MaxMetadataBytes { get; set; } = 16 * 1024;
}
