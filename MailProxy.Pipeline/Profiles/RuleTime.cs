using System.Globalization;
using System.Text.Json;

namespace MailProxy.Pipeline.Profiles;

/// <summary>Times as profiles write them: a number with <c>s</c>, <c>m</c>, <c>h</c> or <c>d</c>, from one second.</summary>
internal static class RuleTime
{
    public static TimeSpan? Parse(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String || value.GetString() is not [.. { Length: >= 1 and <= 6 } digits, var unit])
            return null;
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0)
            return null;
        return unit switch
        {
            's' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMinutes(number),
            'h' => TimeSpan.FromHours(number),
            'd' => TimeSpan.FromDays(number),
            _ => null,
        };
    }

    public static string Form(TimeSpan most) => $"must be a time from \"1s\" to \"{Write(most)}\": a number with s, m, h or d behind it.";

    /// <summary>In the largest unit that takes it whole.</summary>
    public static string Write(TimeSpan time)
    {
        var (number, unit) =
            time.Ticks % TimeSpan.TicksPerDay == 0 ? (time.TotalDays, 'd')
            : time.Ticks % TimeSpan.TicksPerHour == 0 ? (time.TotalHours, 'h')
            : time.Ticks % TimeSpan.TicksPerMinute == 0 ? (time.TotalMinutes, 'm')
            : (time.TotalSeconds, 's');
        return string.Create(CultureInfo.InvariantCulture, $"{number}{unit}");
    }
}
