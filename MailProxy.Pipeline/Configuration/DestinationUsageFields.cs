using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using static MailProxy.Pipeline.Configuration.Forms;
using UsageField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.DestinationUsage>;

namespace MailProxy.Pipeline.Configuration;

/// <summary>How answers show what goes to one domain.</summary>
public static class DestinationUsageFields
{
    public static readonly FieldList<DestinationUsage> Members = new(
        "DestinationUsage",
        [
            UsageField.Answered("domain", Shape.Text, u => Node(u.Domain)) with
            {
                Always = true,
            },
            UsageField.Answered(
                "limits",
                new("array") { Items = new("object") { Object = LimitUsageFields.Members } },
                u => new JsonArray([.. u.Limits.Select(static one => (JsonNode)LimitUsageFields.Members.Show(one))])
            ) with
            {
                Always = true,
            },
            UsageField.Answered(
                "adaptive",
                new("object") { Object = AdaptedRateFields.Members },
                u => u.Adapted is { } rate ? AdaptedRateFields.Members.Show(rate) : null
            ) with
            {
                Shown = "The rate that the provider asked for; absent: as configured.",
            },
            UsageField.Answered("opens_at", Shape.Time, u => Instant(u.OpensAt)) with
            {
                Shown = "When mail that comes now may go: behind that which waits already; absent: now.",
            },
        ]
    );

    public static readonly Shape List = new("array") { Items = new("object") { Object = Members } };
}
