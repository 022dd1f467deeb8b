using System.Buffers;
using System.Buffers.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Attachments with inline content.</summary>
internal static class AttachmentRules
{
    public const string Base64Rule = "Not base64 (RFC 4648 section 4, padded, without line breaks).";

    private const int MaxName = 255;

    private static readonly SearchValues<char> Base64Chars = SearchValues.Create("+/0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    public static void Check(List<AttachmentDraft>? attachments, Mistakes mistakes)
    {
        HashSet<string>? inlineIds = null;
        for (var i = 0; i < attachments?.Count; i++)
        {
            var at = $"/attachments/{i}";
            if (attachments[i] is not { } attachment)
            {
                mistakes.Add(at, "invalid_type", "Must be a JSON object.");
                continue;
            }

            var sourced = Unknown(attachment, at, mistakes);
            if (string.IsNullOrEmpty(attachment.Filename)) mistakes.Add(at + "/filename", "required", "An attachment needs a file name.");
            else if (Faults.InText(attachment.Filename, MaxName) is { } fault) mistakes.Add(at + "/filename", fault);

            if (attachment.ContentType is not null && ContentTypeRules.Fault(attachment.ContentType) is { } wrongType) mistakes.Add(at + "/content_type", wrongType);
            if (attachment.InlineId is not null)
            {
                if (InlineId(attachment.InlineId) is { } wrongId) mistakes.Add(at + "/inline_id", wrongId);
                else if (!(inlineIds ??= new(StringComparer.Ordinal)).Add(attachment.InlineId)) mistakes.Add(at + "/inline_id", "duplicate_inline_id", "Another attachment has this inline_id.");
            }

            if (attachment.Content is null && !sourced) mistakes.Add(at + "/content", "required", "An attachment needs content.");
            else if (attachment.Content is not null && !IsBase64(attachment.Content, out _)) mistakes.Add(at + "/content", "invalid_base64", Base64Rule);
        }
    }

    /// <summary>Strictly RFC 4648 section 4: no white space, no line breaks, padded.</summary>
    public static bool IsBase64(string text, out int bytes)
    {
        bytes = 0;
        return !text.AsSpan().ContainsAnyExcept(Base64Chars) && Base64.IsValid(text, out bytes);
    }

    // True when the content was meant to come from a source.
    private static bool Unknown(AttachmentDraft attachment, string at, Mistakes mistakes)
    {
        if (attachment.Unknown is null) return false;
        foreach (var name in attachment.Unknown.Keys)
        {
            var pointer = JsonPointer.Member(at, name);
            if (name is "source" or "sha256" or "size" or "auth") mistakes.Add(pointer, "not_supported", "Attachments by source come with a later release; send content.");
            else mistakes.Add(pointer, "unknown_field", "Unknown field.");
        }

        return attachment.Unknown.ContainsKey("source");
    }

    // It stands between angle brackets in a header, and behind cid: in HTML.
    private static (string Code, string Detail)? InlineId(string id)
    {
        if (Faults.Injection(id) is { } injection) return injection;
        return id.Length is 0 or > MaxName || id.AsSpan().ContainsAnyExceptInRange('!', '~') || id.AsSpan().ContainsAny("<>()\\\"")
            ? ("invalid_inline_id", $"An inline_id is 1 to {MaxName} visible ASCII characters without brackets, quotes or backslashes.")
            : null;
    }
}
