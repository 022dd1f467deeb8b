using System.ComponentModel.DataAnnotations;
using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Api;

/// <summary>What the HTTP edge allows beside Ingest's own limits. Section <c>Api</c>.</summary>
public sealed class ApiOptions
{
    /// <summary>How long a submission may wait to be taken by the store's writer before it is withdrawn with 503; default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan TakeWait { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Messages that an NDJSON body commits at once; default 256.</summary>
    [Range(1, 10_000)]
    public int NdjsonChunkMessages { get; set; } = 256;

    /// <summary>Bytes that an NDJSON body commits at once; default 4 MB.</summary>
    [Range(1_024, 268_435_456)]
    public int NdjsonChunkBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Bytes of a configuration request; default 256 KB.</summary>
    [Range(1_024, 67_108_864)]
    public int MaxConfigurationBytes { get; set; } = 256 * 1024;

    /// <summary>How long the old secret of a webhook signs beside the new one after <c>rotate-secret</c>; default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan WebhookSecretOverlap { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Where this daemon is reached by those who get its mail, for links to files that it serves itself (<c>/d/…</c>). Default: none, and such links are not made.</summary>
    [PublicUrl]
    public string? PublicUrl { get; set; }

    /// <summary>CIDR ranges of reverse proxies whose <c>X-Forwarded-For</c> is believed, for the allow-lists of keys and the audit log. Default: none.</summary>
    [CidrRanges]
    public string[] TrustedProxies { get; set; } = [];
}
