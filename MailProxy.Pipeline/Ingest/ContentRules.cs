using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Validates the content of a message.</summary>
internal static class ContentRules
{
    /// <summary>Returns the Message-ID that the client chose, or null.</summary>
    public static string? Check(
        string tenant,
        MailDraft mail,
        SpooledStrings? spooled,
        KnownSources known,
        Mistakes mistakes,
        IngestOptions options,
        string mailKeyHeader
    )
    {
        // An empty text means an empty mail; a missing text means that the client forgot it.
        if (mail.Text is null && mail.Html is null && mail.Raw is null)
            mistakes.Add("/text", "body_required", "A message needs text, html or raw; text may be empty.");
        if (mail.Subject is not null && Faults.InText(mail.Subject, options.MaxSubjectLength, tabAllowed: true) is { } fault)
            mistakes.Add("/subject", fault);
        if (mail.Raw is not null)
            return null;
        AlternativeRules.Check(mail.Alternatives, mistakes, options);
        AttachmentRules.Check(tenant, mail.Attachments, spooled, known, mistakes);
        return HeaderRules.Check(mail.Headers, mistakes, options, mailKeyHeader);
    }
}
