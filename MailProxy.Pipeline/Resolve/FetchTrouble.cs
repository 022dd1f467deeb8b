using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Why a mail cannot have its attachments.</summary>
/// <param name="Message">Names the source; contains nothing secret.</param>
/// <param name="Status">Enhanced status (RFC 3463) of the message, which fails permanently; null when the mail is deferred.</param>
/// <param name="BySource">The source caused it, not this machine.</param>
internal sealed record FetchTrouble(string Message, string? Status, bool BySource, TimeSpan? RetryAfter = null)
{
    public static FetchTrouble Of(SourceException fault) =>
        new(fault.Message, fault.Fault == SourceFault.Down ? null : fault.Status, BySource: true, fault.RetryAfter);

    /// <summary>The same, with the file that it is about.</summary>
    public FetchTrouble Of(AttachmentRef wanted) =>
        wanted.FileName is { } name ? this with { Message = $"Attachment fetch failed for {name}: {Message}" } : this;

    public static FetchTrouble Own(string message) => new(message, null, BySource: false);
}
