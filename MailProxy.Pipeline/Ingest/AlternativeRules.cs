using System.Text;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Validates the alternative bodies of a message; each is text of one content type.</summary>
internal static class AlternativeRules
{
    public static void Check(List<AlternativeDraft>? alternatives, Mistakes mistakes, IngestOptions options)
    {
        if (alternatives is null)
            return;
        if (alternatives.Count > options.MaxAlternatives)
        {
            mistakes.Add("/alternatives", "too_many_alternatives", $"At most {options.MaxAlternatives} alternatives.");
            return;
        }

        long bytes = 0;
        for (var i = 0; i < alternatives.Count; i++)
        {
            var at = $"/alternatives/{i}";
            if (alternatives[i] is not { } alternative)
            {
                mistakes.Add(at, "invalid_type", "Must be a JSON object.");
                continue;
            }

            foreach (var name in alternative.Unknown?.Keys ?? Enumerable.Empty<string>())
            {
                mistakes.Add(JsonPointer.Member(at, name), "unknown_field", "Unknown field.");
            }

            if (alternative.Content is null)
                mistakes.Add(at + "/content", "required", "An alternative needs content; it may be empty.");
            else
                bytes += Encoding.UTF8.GetByteCount(alternative.Content);
            if (Type(alternative.ContentType, alternative.Content ?? "") is { } fault)
                mistakes.Add(at + "/content_type", fault);
        }

        if (bytes <= options.MaxAlternativeBytes)
            return;
        mistakes.Add("/alternatives", "alternatives_too_large", $"At most {options.MaxAlternativeBytes} bytes of alternatives.");
    }

    private static (string Code, string Detail)? Type(string? written, string content)
    {
        if (string.IsNullOrEmpty(written))
            return ("required", "An alternative needs a content type, such as text/calendar; method=REQUEST.");
        if (ContentTypeRules.Fault(written) is { } fault)
            return fault;
        if (!ContentType.TryParse(written, out var type) || !(type.IsMimeType("text", "*") || type.IsMimeType("application", "*")))
        {
            return ("invalid_content_type", "An alternative is text/… or application/…; all else is an attachment.");
        }

        return AlternativeCharset.Of(type) is { } charset && AlternativeCharset.Holds(charset, content)
            ? null
            : ("invalid_content_type", "The content does not fit this charset: leave it out, or write utf-8.");
    }
}
