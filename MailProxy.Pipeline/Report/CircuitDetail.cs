using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>What the events of circuits say beside the account.</summary>
internal static class CircuitDetail
{
    public static byte[]? OfOpened(Circuit circuit) =>
        EventDetail.Make(
            circuit,
            static (json, told) =>
            {
                json.WriteString("cause"u8, told.Cause);
                json.WriteString("kind"u8, told.Trouble.Kind.ToString().ToLowerInvariant());
                if (told.Trouble.SmtpCode is { } code)
                    json.WriteNumber("smtp_code"u8, code);
                if (told.Trouble.EnhancedCode is { } enhanced)
                    json.WriteString("enhanced_code"u8, enhanced);
                json.WriteString("reason"u8, told.Trouble.Reply);
                if (told.Trouble.Rule is { } rule)
                    json.WriteString("rule"u8, rule);
                if (told.Trouble.Remedy is { } remedy)
                    json.WriteString("remedy"u8, remedy);
                if (told.Trouble.Slow?.Factor is { } factor)
                    json.WriteNumber("rate_factor"u8, factor);
                if (told.Trouble.Slow?.PerMinute is { } most)
                    json.WriteNumber("per_minute"u8, most);
                if (told.Trouble.Customer is { } customer)
                    json.WriteString("provider_tenant"u8, customer);
                if (told.Trouble.Via is { } via)
                    json.WriteString("via"u8, via);
                json.WriteNumber("failures"u8, told.Failures);
                json.WriteString("until"u8, Timestamps.Write(told.Until));
            }
        );

    public static byte[]? OfClosed(Circuit circuit, string by) =>
        EventDetail.Make(
            (circuit, by),
            static (json, told) =>
            {
                json.WriteString("cause"u8, told.circuit.Cause);
                json.WriteString("by"u8, told.by);
                json.WriteString("since"u8, Timestamps.Write(told.circuit.Since));
                json.WriteNumber("failures"u8, told.circuit.Failures);
                if (told.circuit.Trouble.Rule is { } rule)
                    json.WriteString("rule"u8, rule);
            }
        );
}
