using MailProxy.Pipeline.Accounts;
using static MailProxy.Pipeline.Configuration.Forms;
using UsageField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.LimitUsage>;

namespace MailProxy.Pipeline.Configuration;

/// <summary>How answers show how far a limit is used up.</summary>
public static class LimitUsageFields
{
    public static readonly FieldList<LimitUsage> Members = new(
        "LimitUsage",
        [
            UsageField.Answered("limit", Shape.Text, u => Node(Name(u))) with
            {
                Always = true,
                Shown = "`per_second`, `per_minute`, `per_hour`, `per_day` or `warm_up`.",
            },
            UsageField.Answered("used", Shape.Whole(format: "int64"), u => u.Used) with
            {
                Always = true,
                Shown = "In the stretch that ends now, on this UTC day with `warm_up`; mail on its way included.",
            },
            UsageField.Answered("allowed", Shape.Whole(), u => u.Limit) with
            {
                Always = true,
            },
            UsageField.Answered("opens_at", Shape.Time, u => Instant(u.OpensAt)) with
            {
                Shown = "When the next may go; absent: one may now.",
            },
        ]
    );

    /// <summary>As a configuration calls the limit.</summary>
    public static string Name(LimitUsage usage) =>
        usage.IsWarmUp
            ? "warm_up"
            : usage.WindowSeconds switch
            {
                1 => "per_second",
                60 => "per_minute",
                3600 => "per_hour",
                _ => "per_day",
            };
}
