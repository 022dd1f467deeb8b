using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Refuses attachments early that the rule for large files would refuse later, when their size is already known.</summary>
internal static class LargeFileRules
{
    public static void Check(List<AttachmentDraft>? attachments, SpooledStrings? spooled, LargeFiles? rule, Mistakes mistakes)
    {
        if (attachments is null || rule is not { Action: LargeFileAction.Reject })
            return;
        for (var i = 0; i < attachments.Count; i++)
        {
            if (attachments[i] is not { } attachment)
                continue;
            var reading = AttachmentNotation.Read(attachment, i);
            var inFile = spooled?.Find(attachment.Content) is { IsValid: true } content ? content.Length : 0;
            // Clients of the old notation expect to be told by a report.
            if (attachment.Content is not null && reading.Inline is { } inline && Math.Max(inFile, Length(inline.Span)) > rule.Threshold)
                Refuse("content");
            else if (reading.Fetched?.Size > rule.Threshold)
                Refuse("size");

            void Refuse(string member) =>
                mistakes.Add($"/attachments/{i}/{member}", "too_large", $"An attachment may have {rule.Threshold} bytes at most.");
        }
    }

    private static long Length(ReadOnlySpan<char> base64) => Base64Text.IsValid(base64, out var bytes) ? bytes : 0;
}
