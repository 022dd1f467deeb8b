using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Refuses attachments early that the rule for large files would refuse later, when their size is already known.</summary>
internal static class LargeFileRules
{
    public static void Check(List<AttachmentDraft>? attachments, LargeFiles? rule, Mistakes mistakes)
    {
        if (attachments is null || rule is not { Action: LargeFileAction.Reject })
            return;
        for (var i = 0; i < attachments.Count; i++)
        {
            if (attachments[i] is not { } attachment)
                continue;
            var reading = AttachmentNotation.Read(attachment, i);
            if (reading.Inline is { } inline && Base64Text.IsValid(inline.Span, out var bytes) && bytes > rule.Threshold)
                Refuse(attachment.Content is null ? "storage_path" : "content");
            else if (reading.Fetched?.Size > rule.Threshold)
                Refuse("size");

            void Refuse(string member) =>
                mistakes.Add($"/attachments/{i}/{member}", "too_large", $"An attachment may have {rule.Threshold} bytes at most.");
        }
    }
}
