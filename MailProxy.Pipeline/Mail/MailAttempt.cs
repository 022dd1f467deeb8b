namespace MailProxy.Pipeline.Mail;

/// <summary>An attempt that did not simply succeed, as it is kept with its message.</summary>
/// <param name="Number">Which attempt of the message it was, from 1; of one that cost none, the number that the next has too.</param>
/// <param name="Counts">Whether it cost the message an attempt.</param>
/// <param name="BeganAt">Unix milliseconds, as are all times.</param>
/// <param name="Most">How many the message keeps, the last ones.</param>
public sealed record MailAttempt(int Number, bool Counts, AccountKey Account, long BeganAt, long EndedAt, AttemptDetail Detail, int Most);

/// <summary>What was seen of an attempt, bounded in octets; without credentials and without the mail's content.</summary>
/// <param name="Outcome">One of <see cref="AttemptOutcomes"/>.</param>
/// <param name="Server">The account's host and port.</param>
/// <param name="Address">The address connected to; null: there was no connection.</param>
/// <param name="Tls">The TLS version; null: without TLS.</param>
/// <param name="Reused">The connection had carried other mail before, so that its opening is not among the lines.</param>
/// <param name="Error">What ended it that was no server's reply.</param>
/// <param name="LeftOut">Lines in the middle that there was no room for.</param>
public sealed record AttemptDetail(
    string Outcome,
    string Server,
    string? Address,
    string? Tls,
    bool Reused,
    string? Error,
    IReadOnlyList<DialogueLine> Lines,
    int LeftOut
);

/// <param name="Ms">Milliseconds since the attempt began.</param>
/// <param name="Line"><c>C: </c> and what we said, <c>S: </c> and what the server said, or <c>*: </c> and what happened
/// otherwise.</param>
public readonly record struct DialogueLine(long Ms, string Line);

/// <summary>What an attempt can come to. A closed set.</summary>
public static class AttemptOutcomes
{
    public const string Accepted = "accepted",
        Partial = "partial",
        Deferred = "deferred",
        Refused = "refused",
        InDoubt = "in_doubt",
        Account = "account";
}

/// <summary>A kept attempt, as it is read.</summary>
/// <param name="Times">How many attempts in a row it stands for: those that cost none are one entry, the last of them.</param>
/// <param name="Detail">Null: the row is damaged.</param>
public sealed record MailAttemptView(
    int Number,
    bool Counts,
    int Times,
    AccountKey Account,
    long BeganAt,
    long EndedAt,
    AttemptDetail? Detail
);
