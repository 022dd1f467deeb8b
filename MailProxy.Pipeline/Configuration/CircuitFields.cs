using MailProxy.Pipeline.Flow;
using static MailProxy.Pipeline.Configuration.Forms;
using CircuitField = MailProxy.Pipeline.Configuration.Field<(
    MailProxy.Pipeline.Flow.CircuitState State,
    MailProxy.Pipeline.Flow.Circuit? Circuit
)>;

namespace MailProxy.Pipeline.Configuration;

/// <summary>How answers show an account's circuit.</summary>
public static class CircuitFields
{
    public static readonly FieldList<(CircuitState State, Circuit? Circuit)> Members = new(
        "Circuit",
        [
            CircuitField.Answered("state", Choice(Circuit.States).Shape, c => Node(Circuit.States.Of(c.State))) with
            {
                Always = true,
                Shown = "`closed`: mail goes; `open`: none until `until`; `half_open`: one message at a time tries the account.",
            },
            CircuitField.Answered("cause", new Shape("string") { Choices = Circuit.Causes }, c => c.Circuit?.Cause),
            CircuitField.Answered("since", Shape.Time, c => Instant(c.Circuit?.Since)),
            CircuitField.Answered("until", Shape.Time, c => Instant(c.Circuit?.Until)) with
            {
                Shown = "When one message tries the account.",
            },
            CircuitField.Answered("failures", Shape.Whole(), c => c.Circuit?.Failures) with
            {
                Shown = "In a row; those of one moment are one.",
            },
            CircuitField.Answered("smtp_code", Shape.Whole(), c => c.Circuit?.Trouble.SmtpCode),
            CircuitField.Answered("last_reply", Shape.Text, c => c.Circuit?.Trouble.Reply) with
            {
                Shown = "The server's words, or ours when it said nothing.",
            },
            CircuitField.Answered("rule", Shape.Text, c => c.Circuit?.Trouble.Rule),
            CircuitField.Answered("remedy", Shape.Text, c => c.Circuit?.Trouble.Remedy),
            CircuitField.Answered("provider_tenant", Shape.Text, c => c.Circuit?.Trouble.Customer) with
            {
                Shown = "The customer of the provider whose accounts are all held back.",
            },
            CircuitField.Answered("via", Shape.Text, c => c.Circuit?.Trouble.Via) with
            {
                Shown = "The account of that customer to which it was said.",
            },
        ]
    );
}
