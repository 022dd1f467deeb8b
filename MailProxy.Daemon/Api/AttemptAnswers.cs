namespace MailProxy.Daemon.Api;

/// <param name="Data">The last ones, oldest first; empty: the message simply succeeded, was not tried yet, or its content was
/// removed.</param>
public sealed record AttemptList(IReadOnlyList<AttemptAnswer> Data);

/// <summary>An attempt that did not simply succeed, and what was said in it: without credentials and without the mail's content.</summary>
/// <param name="Number">Which attempt of the message it was; of one that cost none, the number that the next has too.</param>
/// <param name="Counted">Whether it cost the message an attempt: what the account is to blame for does not.</param>
/// <param name="Times">How many attempts in a row it stands for: those that cost none are one entry, the last of them.</param>
/// <param name="Outcome"><c>deferred</c>, <c>refused</c>, <c>partial</c> (some recipients have it), <c>in_doubt</c>, <c>accepted</c>
/// (and then the account got into trouble), or <c>account</c>: that one is to blame.</param>
/// <param name="Server">Host and port of the account.</param>
/// <param name="Address">The address connected to; absent: there was no connection.</param>
/// <param name="Tls">The TLS version; absent: without TLS.</param>
/// <param name="Reused">The connection had carried other mail before, so that its opening is not among the lines.</param>
/// <param name="Error">What ended it that was no reply of the server.</param>
/// <param name="LeftOut">Lines in the middle that there was no room for.</param>
public sealed record AttemptAnswer(
    int Number,
    bool Counted,
    int Times,
    string? Account,
    DateTime BeganAt,
    DateTime EndedAt,
    string? Outcome,
    string? Server,
    string? Address,
    string? Tls,
    bool Reused,
    string? Error,
    IReadOnlyList<DialogueLineAnswer> Lines,
    int LeftOut
);

/// <param name="Ms">Milliseconds since the attempt began.</param>
/// <param name="Line"><c>C: </c> and what we said, <c>S: </c> and what the server said, or <c>*: </c> and what happened
/// otherwise.</param>
public sealed record DialogueLineAnswer(long Ms, string Line);
