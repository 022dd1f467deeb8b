namespace MailProxy.Pipeline.Resolve;

/// <summary>Why a mail cannot have what it carries.</summary>
/// <param name="Message">Names the source; safe to show.</param>
/// <param name="Status">Enhanced status (RFC 3463) of the message that fails for it; null: it may come back.</param>
/// <param name="BySource">The source is to blame, not this machine.</param>
internal sealed record FetchTrouble(string Message, string? Status, bool BySource, TimeSpan? RetryAfter = null)
{
    public static FetchTrouble Of(SourceException fault) =>
        new(fault.Message, fault.Fault == SourceFault.Down ? null : fault.Status, BySource: true, fault.RetryAfter);

    public static FetchTrouble Own(string message) => new(message, null, BySource: false);
}
