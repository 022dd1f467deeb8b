using MailProxy.Pipeline.Accounts;
using static MailProxy.Pipeline.Configuration.Forms;
using RateField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.AdaptedRate>;

namespace MailProxy.Pipeline.Configuration;

/// <summary>How answers show the rate that an account is slowed to.</summary>
public static class AdaptedRateFields
{
    public static readonly FieldList<AdaptedRate> Members = new(
        "AdaptedRate",
        [
            RateField.Answered("per_minute", Shape.Decimal, r => r.PerMinute) with
            {
                Always = true,
                Shown = "Messages a minute.",
            },
            RateField.Answered("ceiling", Shape.Decimal, r => r.Ceiling) with
            {
                Always = true,
                Shown = "What it grows to: the limit that is set, else what went before.",
            },
            RateField.Answered("since", Shape.Time, r => Instant(r.Since)) with
            {
                Always = true,
            },
            RateField.Answered("grows_at", Shape.Time, r => Instant(r.GrowsAt)) with
            {
                Always = true,
                Shown = "When it grows next, if mail goes well until then.",
            },
            RateField.Answered("because", Shape.Text, r => r.Because) with
            {
                Always = true,
                Shown = "The rule and the reply.",
            },
        ]
    );
}
