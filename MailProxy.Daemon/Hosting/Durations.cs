using System.Globalization;
using System.Text.RegularExpressions;

namespace MailProxy.Daemon.Hosting;

/// <summary>Parses times as settings write them: <c>hh:mm:ss</c>, whose hours may exceed 23, or <c>d.hh:mm:ss</c>. Pure.</summary>
/// <remarks>
/// The parser of .NET is not used: it reads <c>24:00:00</c> as 24 days, <c>10</c> as ten days and <c>1:30</c> as an hour and a half.
/// </remarks>
internal static partial class Durations
{
    /// <summary>Also returns false for a time that is longer than a <see cref="TimeSpan"/> can be.</summary>
    public static bool TryParse(string text, out TimeSpan time)
    {
        time = TimeSpan.Zero;
        var form = Form().Match(text.Trim());
        if (!form.Success)
            return false;

        var (days, hours) = (Number(form.Groups["d"]), Number(form.Groups["h"]));
        if (form.Groups["d"].Success && hours > 23)
            return false;
        var seconds = ((days * 24 + hours) * 60 + Number(form.Groups["m"])) * 60 + Number(form.Groups["s"]);
        if (seconds > (long)TimeSpan.MaxValue.TotalSeconds)
            return false;
        time = TimeSpan.FromTicks(seconds * TimeSpan.TicksPerSecond + Number(form.Groups["f"].Value.PadRight(7, '0')));
        return true;
    }

    /// <summary>Formats a time as the configuration binder reads it.</summary>
    public static string Write(TimeSpan time) => time.ToString("c", CultureInfo.InvariantCulture);

    private static long Number(Group group) => group.Success ? Number(group.Value) : 0;

    private static long Number(string digits) => long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?:(?<d>[0-9]{1,8})\.)?(?<h>[0-9]{1,9}):(?<m>[0-5][0-9]):(?<s>[0-5][0-9])(?:\.(?<f>[0-9]{1,7}))?\z")]
    private static partial Regex Form();
}
