using System.Diagnostics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// The span of one attempt, from the mail's arrival in the stage until the outcome; of recipients it says the domains alone.
/// </summary>
internal static class SendSpan
{
    private const int MostDomains = 8;

    /// <param name="result">As the metric of attempts names it.</param>
    public static void Tell(PendingMail attempt, Outcome outcome, string result, TimeProvider clock)
    {
        var (mail, content) = (attempt.Mail, attempt.Mail.Content);
        if (content.Trace is not { } trace || !MailSpans.IsOn)
            return;
        var now = clock.GetUtcNow();
        if (MailSpans.Begin(MailSpans.Send, ActivityKind.Client, trace, now - clock.GetElapsedTime(attempt.Arrived)) is not { } span)
            return;
        span.About(content.Key)
            .Set("mailproxy.account", mail.Account.Id)
            .Set("mailproxy.attempt", content.Standing.Attempts + 1)
            .Set("mailproxy.result", result)
            .Set("mailproxy.recipients", content.Slice.Count)
            .Set("mailproxy.recipient.domains", Domains(content))
            .Set("mailproxy.size", content.Size)
            .Set("network.protocol.name", "smtp");
        if (mail.Account is { Sandbox: false, Host: { } host, Port: var port })
            span.Set("server.address", host).Set("server.port", port);
        var (code, enhanced) = Answer(outcome);
        span.Set("mailproxy.smtp.reply_code", code).Set("mailproxy.smtp.enhanced_code", enhanced);
        if (result != AttemptOutcomes.Accepted)
            span.Failed(result);
        span.End(now);
    }

    // Of the recipient that went worst: the last that was not accepted, else any.
    private static (int? Code, string? Enhanced) Answer(Outcome outcome) =>
        outcome switch
        {
            Outcome.Attempted { Verdicts: { Count: > 0 } verdicts } => Of(
                verdicts.LastOrDefault(static v => v.Verdict != Verdict.Accepted) ?? verdicts[0]
            ),
            Outcome.AccountToBlame { Trouble: var trouble } => (trouble.SmtpCode, trouble.EnhancedCode),
            Outcome.Unsendable { EnhancedCode: var enhanced } => (null, enhanced),
            _ => default,
        };

    private static (int?, string?) Of(RecipientVerdict verdict) => (verdict.SmtpCode, verdict.EnhancedCode);

    private static string[] Domains(MailContent content) =>
        [
            .. content
                .Slice.Select(static to => to.Address[(to.Address.LastIndexOf('@') + 1)..].ToLowerInvariant())
                .Distinct(StringComparer.Ordinal)
                .Take(MostDomains),
        ];
}
