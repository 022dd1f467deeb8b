using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Send;

/// <summary>How mail goes out.</summary>
public sealed class SendOptions
{
    /// <summary>The most <see cref="MarksAhead"/>, and what it is where a note takes the way to a server.</summary>
    public const int MostMarksAhead = 8;

    private const int UsualMarksAhead = 2;

    internal int Ahead => MarksAhead ?? UsualMarksAhead;

    /// <summary>Mails on a connection or waiting for one; a tenant has its share.</summary>
    [Range(1, 4096)]
    public int Workers { get; set; } = 256;

    /// <summary>
    /// How many messages each connection may have noted on the disk before their turn, 0 to 8, so that none waits for the disk; after a
    /// power cut (with PostgreSQL after any end that is not orderly) that many more are in doubt. 0: each is noted when its turn comes.
    /// Only messages whose <c>on_ambiguous</c> is <c>retry</c>, and that no limit counts. None: 2, with PostgreSQL 8, since a note there
    /// takes the way to a server.
    /// </summary>
    [Range(0, MostMarksAhead)]
    public int? MarksAhead { get; set; }

    /// <summary>
    /// Header that carries <c>tenant/id</c>, so that bounces can be correlated. Clients may not set it. Not one that mail has a meaning for
    /// (<c>From</c>, <c>List-…</c>). Empty: none.
    /// </summary>
    [RegularExpression("[!-9;-~]{0,76}")]
    [OwnHeaderName(ErrorMessage = "must not be a header that mail has a meaning for: choose a name of its own, such as X-Mail-Key.")]
    public string MailKeyHeader { get; set; } = "X-Mail-Key";

    /// <summary>Whether mail submitted as <c>raw</c> gets that header too.</summary>
    public bool MailKeyInRaw { get; set; } = true;

    /// <summary>The name after EHLO; none: this machine's.</summary>
    [RegularExpression(@"[A-Za-z0-9.:\[\]-]{1,255}")]
    public string? HelloName { get; set; }

    /// <summary>Ask the authority whether a server's certificate was revoked. When it cannot be reached, mail waits.</summary>
    public bool CheckRevocation { get; set; }

    /// <summary>
    /// How long an unused connection stays open. A new one costs a TLS handshake and a log-in; servers hang up after some minutes.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan IdleConnection { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Unused connections that stay open, all accounts together; a tenant has its share. What is beyond is closed at once.
    /// </summary>
    [Range(0, 100_000)]
    public int IdleConnections { get; set; } = 512;

    /// <summary>How long a connection is used before it is opened anew, so that a change in DNS is noticed.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ConnectionAge { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How many attempts that did not simply succeed are kept of each message with what was said, the last ones
    /// (<c>GET /v1/messages/{id}/attempts</c>); they go with the message's content. 0: none.
    /// </summary>
    [Range(0, 20)]
    public int Dialogues { get; set; } = 5;

    /// <summary>The most that is kept of what was said in one attempt, in bytes; of more the middle is left out.</summary>
    [Range(1024, 65_536)]
    public int DialogueBytes { get; set; } = 8192;

    public SmtpTimeouts Timeouts { get; set; } = new();
}

/// <summary>How long a server may take, phase by phase (RFC 5321 section 4.5.3.2). Each runs from our last octet to its reply.</summary>
public sealed class SmtpTimeouts
{
    /// <summary>For each address of the host, until the TCP connection is established.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan Connect { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long octets that were sent may stay unacknowledged by the other machine's TCP before the connection counts as lost (RFC 5482;
    /// Linux). So a path that swallows packets is noticed long before a phase's time is over.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Unacknowledged { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The TLS handshake.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00")]
    public TimeSpan Handshake { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The greeting (this and the next six: RFC 5321 4.5.3.2).</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan Greeting { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>EHLO, STARTTLS, each step of AUTH.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan Command { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>MAIL.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan Mail { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>RCPT.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan Recipient { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>354 after DATA.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan DataInitiation { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Each block of the body until the system takes it, so that the whole scales with the size.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:30:00")]
    public TimeSpan DataBlock { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>The reply to the final dot. A shorter one causes duplicates.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan DataTermination { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>RSET and QUIT, on whose replies nothing depends.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:05:00")]
    public TimeSpan Farewell { get; set; } = TimeSpan.FromSeconds(3);
}
