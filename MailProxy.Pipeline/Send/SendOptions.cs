using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Send;

/// <summary>How mail goes out.</summary>
public sealed class SendOptions
{
    /// <summary>
    /// Mails in Send at the same time, waiting for a connection or on one, 1 to 4,096; a tenant has its share. Default 256.
    /// </summary>
    [Range(1, 4096)]
    public int Workers { get; set; } = 256;

    /// <summary>
    /// The header that carries <c>tenant/id</c>, so that bounces can be correlated; clients may not set it. Empty: none. Default
    /// <c>X-Mail-Key</c>.
    /// </summary>
    [RegularExpression("[!-9;-~]{0,76}")]
    [OwnHeaderName(ErrorMessage = "must not be a header that mail has a meaning for: choose a name of its own, such as X-Mail-Key.")]
    public string MailKeyHeader { get; set; } = "X-Mail-Key";

    /// <summary>Whether mail submitted as <c>raw</c> gets that header too; default true.</summary>
    public bool MailKeyInRaw { get; set; } = true;

    /// <summary>The name after EHLO; null: this machine's.</summary>
    [RegularExpression(@"[A-Za-z0-9.:\[\]-]{1,255}")]
    public string? HelloName { get; set; }

    /// <summary>
    /// Ask the authority whether a server's certificate was revoked; default false, since an authority out of reach would then stop all
    /// mail.
    /// </summary>
    public bool CheckRevocation { get; set; }

    /// <summary>
    /// How long an unused connection stays open, 0 to 5 minutes; default 30 s. Longer than Postfix's 2 s, because a connection to a
    /// smart host costs a TLS handshake and a login; shorter than the minutes after which servers hang up.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan IdleConnection { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Unused connections that stay open, all accounts together, 0 to 100,000; a tenant has its share, and what is beyond is closed at
    /// once. Default 512.
    /// </summary>
    [Range(0, 100_000)]
    public int IdleConnections { get; set; } = 512;

    /// <summary>
    /// How long a connection is used before it is opened anew, so that a changed DNS is noticed, 1 s to 1 day; default 5 minutes.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ConnectionAge { get; set; } = TimeSpan.FromMinutes(5);

    public SmtpTimeouts Timeouts { get; set; } = new();
}

/// <summary>How long a server may take, phase by phase (RFC 5321 section 4.5.3.2). Each runs from our last octet to its reply.</summary>
public sealed class SmtpTimeouts
{
    /// <summary>For each address of the host until TCP stands; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan Connect { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>A TLS handshake; default 1 minute.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan Handshake { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The greeting; default 5 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan Greeting { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>EHLO, STARTTLS and each step of AUTH; default 5 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan Command { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>MAIL; default 5 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan Mail { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>RCPT; default 5 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan Recipient { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>354 after DATA; default 2 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan DataInitiation { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Each block of the body until the system takes it, so that the whole scales with the size; default 3 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan DataBlock { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>The reply to the final dot; default 10 minutes. A shorter one manufactures doubles.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan DataTermination { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>RSET and QUIT, on whose replies nothing depends; default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:05:00")]
    public TimeSpan Farewell { get; set; } = TimeSpan.FromSeconds(3);
}
