using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using static MailProxy.Pipeline.Configuration.Forms;
using WarmUpField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.WarmUp>;

namespace MailProxy.Pipeline.Configuration;

/// <summary>What a warm-up is made of.</summary>
public static class WarmUpFields
{
    private const string DateFormat = "yyyy-MM-dd";
    private const int MostADay = 1_000_000_000;

    private static readonly Form<DateOnly?> Date = new(
        new("string") { Format = "date" },
        static (members, name, required) =>
        {
            if (members.Text(name, 64, required) is not { } text)
                return null;
            if (DateOnly.TryParseExact(text, DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
                return date;
            members.Fault(name, "invalid_date", "Must be a date such as 2026-12-01.");
            return null;
        },
        static date => Node(date?.ToString(DateFormat, CultureInfo.InvariantCulture)),
        static json => DateOnly.ParseExact(json.GetString()!, DateFormat, CultureInfo.InvariantCulture)
    );

    private static readonly Form<IReadOnlyList<int>?> Daily = new(
        new("array")
        {
            Items = Shape.Whole(1, MostADay),
            Fewest = 1,
            MostItems = WarmUp.MostDays,
        },
        ReadDaily,
        static days => days is null ? null : new JsonArray([.. days.Select(static most => (JsonNode)most)]),
        static json => [.. json.EnumerateArray().Select(static most => most.GetInt32())]
    );

    public static readonly WarmUp Empty = new(default, []);

    public static readonly FieldList<WarmUp> Members = new(
        "WarmUp",
        [
            WarmUpField.Of(
                "start",
                Date,
                w => w.Start,
                (w, start) => w with { Start = start ?? default },
                required: true,
                says: "The UTC day of the first number; before it that number holds too."
            ) with
            {
                Always = true,
            },
            WarmUpField.Of(
                "daily",
                Daily,
                w => w.Daily,
                (w, daily) => w with { Daily = daily ?? [] },
                required: true,
                says: "The most on each UTC day, beside the other limits, which alone hold after the last."
            ) with
            {
                Always = true,
            },
        ]
    );

    private static IReadOnlyList<int>? ReadDaily(MemberReader members, string name, bool required)
    {
        if (members.Array(name, WarmUp.MostDays, required) is not { } list)
            return null;
        if (list.GetArrayLength() == 0)
            members.Fault(name, "out_of_range", "Must have a number for at least one day.");
        var daily = new List<int>();
        foreach (var item in list.EnumerateArray())
        {
            var most = 0;
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out most) || most is < 1 or > MostADay)
                members.Fault($"{name}/{daily.Count}", "invalid_entry", $"Must be a whole number from 1 to {MostADay}.");
            daily.Add(most);
        }

        return daily;
    }
}
