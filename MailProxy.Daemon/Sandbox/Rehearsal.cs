using System.Collections.Frozen;
using System.Globalization;

namespace MailProxy.Daemon.Sandbox;

/// <summary>The phase of the conversation in which a rehearsal replies.</summary>
internal enum RehearsalPhase : byte
{
    Rcpt = 0,

    /// <summary>After 354, when the beginning of the body has arrived.</summary>
    Body = 1,

    /// <summary>After the final dot.</summary>
    Dot = 2,
}

/// <summary>The meaning of the N in a rehearsal's name.</summary>
internal enum RehearsalNumber : byte
{
    None = 0,

    /// <summary>The reply is given for the first N attempts at that address; after that it is accepted.</summary>
    Attempts = 1,

    /// <summary>The reply is delayed by N milliseconds.</summary>
    Milliseconds = 2,

    /// <summary>The reply names N seconds, once; after that the address is accepted.</summary>
    Seconds = 3,
}

/// <summary>How one local part answers.</summary>
/// <param name="Local">The local part before any +detail; a final N stands for a number.</param>
/// <param name="Reply">The reply without its line end, lines separated by CR LF; {N} is the number. Null: no reply.</param>
/// <param name="About">What a user rehearses with it, in one sentence.</param>
internal sealed record Rehearsal(
    string Local,
    RehearsalPhase Phase,
    string? Reply,
    string About,
    RehearsalNumber Number = RehearsalNumber.None,
    SandboxStep Then = SandboxStep.NextCommand
)
{
    public const int MaxDelay = 60_000;

    /// <summary>A silence longer than every timeout of RFC 5321 4.5.3.2, but limited, so that no connection stays open forever.</summary>
    public static readonly TimeSpan HangTime = TimeSpan.FromMinutes(15);

    /// <summary>All rehearsals; the table in the README is generated from them.</summary>
    public static readonly IReadOnlyList<Rehearsal> Table =
    [
        new("perm", RehearsalPhase.Rcpt, "550 5.1.1 No such mailbox", "An address that does not exist: that recipient fails at once."),
        new("full", RehearsalPhase.Rcpt, "552 5.2.2 Mailbox full", "A full mailbox, refused for good."),
        new("blocked", RehearsalPhase.Rcpt, "554 5.7.1 Refused by policy", "A recipient that policy refuses."),
        new("bigreply", RehearsalPhase.Rcpt, BigReply(), "A refusal of 100 lines."),
        new("temp", RehearsalPhase.Rcpt, "451 4.7.1 Try again later", "Refused for now, every time: deferred until it fails or expires."),
        new(
            "tempN",
            RehearsalPhase.Rcpt,
            "451 4.7.1 Try again later",
            "Refused for now N times for that whole address, then accepted.",
            RehearsalNumber.Attempts
        ),
        new(
            "greyN",
            RehearsalPhase.Rcpt,
            "450 4.7.1 Greylisted, try again in {N} seconds",
            "Refused once with a delay of N seconds in the reply, then accepted.",
            RehearsalNumber.Seconds
        ),
        new("quota", RehearsalPhase.Rcpt, "452 4.2.2 Mailbox over quota", "A full mailbox, refused for now."),
        new(
            "toomany",
            RehearsalPhase.Rcpt,
            "452 4.5.3 Too many recipients",
            "Accepted only as the first recipient of a transaction: the rest must come in the next."
        )
        {
            AcceptsFirst = true,
        },
        new("auth", RehearsalPhase.Rcpt, "530 5.7.0 Authentication required", "The account is to blame, not the message."),
        new(
            "busy",
            RehearsalPhase.Rcpt,
            "421 4.3.2 Busy, closing",
            "The server sends everybody away: the account backs off.",
            Then: SandboxStep.Close
        ),
        new("hangup", RehearsalPhase.Rcpt, null, "The connection is closed without a word.", Then: SandboxStep.Close),
        new("garbage", RehearsalPhase.Rcpt, "this is not SMTP", "A reply without a code."),
        new(
            "slowN",
            RehearsalPhase.Rcpt,
            "250 2.1.5 Recipient ok",
            "Accepted after N milliseconds, at most 60,000.",
            RehearsalNumber.Milliseconds
        ),
        new("hang", RehearsalPhase.Rcpt, null, "No reply for 15 minutes: the client's timeout decides.", Then: SandboxStep.Close)
        {
            Hangs = true,
        },
        new(
            "dropdata",
            RehearsalPhase.Body,
            null,
            "The connection is closed while the body is on its way; the mail is not kept.",
            Then: SandboxStep.Close
        ),
        new("spam", RehearsalPhase.Dot, "554 5.7.1 Content refused", "The mail is refused after the final dot."),
        new("defer", RehearsalPhase.Dot, "451 4.3.0 Not now", "The mail is refused for now after the final dot."),
        new(
            "lateN",
            RehearsalPhase.Dot,
            "250 2.0.0 Taken",
            "The mail is taken, and the reply after the final dot comes N milliseconds late, at most 60,000.",
            RehearsalNumber.Milliseconds
        ),
        new(
            "drop",
            RehearsalPhase.Dot,
            null,
            "The mail is taken and the connection closed after the final dot without a reply: ambiguous.",
            Then: SandboxStep.Close
        ),
    ];

    private static readonly FrozenDictionary<string, Rehearsal> Plain = Table
        .Where(r => r.Number == RehearsalNumber.None)
        .ToFrozenDictionary(r => r.Local, StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, Rehearsal> Numbered = Table
        .Where(r => r.Number != RehearsalNumber.None)
        .ToFrozenDictionary(r => r.Local[..^1], StringComparer.OrdinalIgnoreCase);

    /// <summary>The rehearsal that an address asks for, with its number; null when the address is simply accepted.</summary>
    public static (Rehearsal Rehearsal, int N)? For(ReadOnlySpan<char> address)
    {
        var local = address[..Math.Max(address.LastIndexOf('@'), 0)];
        if (local.IndexOf('+') is >= 0 and var plus)
            local = local[..plus];
        var name = local.TrimEnd("0123456789");
        if (name.Length == local.Length)
            return Plain.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var plain) ? (plain, 0) : null;
        return
            Numbered.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var numbered)
            && int.TryParse(local[name.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            ? (numbered, n)
            : null;
    }

    /// <summary>Whether the first recipient of a transaction is accepted nevertheless.</summary>
    public bool AcceptsFirst { get; private init; }

    private bool Hangs { get; init; }

    /// <summary>Whether the mail is kept in the mailbox, even if the client gets no reply.</summary>
    public bool Keeps => Phase == RehearsalPhase.Dot && (Reply is null || Reply[0] == '2');

    /// <summary>Whether a RCPT with this reply counts as accepted.</summary>
    public bool AcceptsRecipient => Phase != RehearsalPhase.Rcpt || Reply is ['2', ..];

    public SandboxReply Play(int n)
    {
        var delay =
            Hangs ? HangTime
            : Number == RehearsalNumber.Milliseconds ? TimeSpan.FromMilliseconds(Math.Min(n, MaxDelay))
            : TimeSpan.Zero;
        var reply = Reply is null
            ? SandboxReply.Silence
            : SandboxReply.Of(Reply.Replace("{N}", n.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), Then);
        return reply with { Delay = delay };
    }

    private static string BigReply() =>
        string.Join(
            "\r\n",
            Enumerable.Range(1, 100).Select(line => $"550{(line < 100 ? '-' : ' ')}5.1.1 Line {line} of a long refusal that goes on and on")
        );
}
