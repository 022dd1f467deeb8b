using System.ComponentModel.DataAnnotations;
using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Api;

/// <summary>What the HTTP edge allows beside Ingest's own limits.</summary>
public sealed class ApiOptions
{
    /// <summary>How long a submission waits for the store's writer before it is withdrawn with 503.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan TakeWait { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Messages that an NDJSON body commits at once.</summary>
    [Range(1, 10_000)]
    public int NdjsonChunkMessages { get; set; } = 256;

    /// <summary>Bytes that an NDJSON body commits at once.</summary>
    [Range(1_024, 268_435_456)]
    public int NdjsonChunkBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Bytes of a configuration request (accounts, webhooks, actions).</summary>
    [Range(1_024, 67_108_864)]
    public int MaxConfigurationBytes { get; set; } = 256 * 1024;

    /// <summary>Requests to <c>GET /v1/events</c> that wait at once.</summary>
    [Range(1, 1_000_000)]
    public int MaxLongPolls { get; set; } = 1_000;

    /// <summary>Bytes of answers over 64 KB that clients have not read yet, large messages (which wait in files) included.</summary>
    [Range(1_048_576, 17_179_869_184)]
    public long AnswerBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>Bytes a second that a client must read of its answer; slower ones are cut. 0: as slow as they like.</summary>
    [Range(0, 1_073_741_824)]
    public int MinAnswerBytesPerSecond { get; set; } = 4_096;

    /// <summary>
    /// HTTP connections at once; beyond, the one that has been idle longest is closed for the new one. None: half of the files that the
    /// process may have open.
    /// </summary>
    [Range(1, 1_000_000)]
    public int? MaxConnections { get; set; }

    /// <summary>How long the old secret of a webhook signs beside the new one after <c>rotate-secret</c>.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "30.00:00:00")]
    public TimeSpan WebhookSecretOverlap { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Where the daemon is reached by those who get its mail, for links that it serves itself: to files (<c>/d/…</c>), and to unsubscribe
    /// (<c>/u/…</c>, https only). None: such links are not made.
    /// </summary>
    [PublicUrl]
    public string? PublicUrl { get; set; }

    /// <summary>
    /// CIDR ranges or single addresses of reverse proxies whose <c>X-Forwarded-For</c> is believed, for the allow-lists of keys and the
    /// audit log.
    /// </summary>
    [CidrRanges]
    public string[] TrustedProxies { get; set; } = [];

    /// <summary>Whether <c>/docs</c> shows the API's document as pages for people, to everybody who reaches the port.</summary>
    public bool Docs { get; set; } = true;
}
