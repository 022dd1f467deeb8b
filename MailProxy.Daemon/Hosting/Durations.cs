using System.Globalization;
using System.Text.RegularExpressions;

namespace MailProxy.Daemon.Hosting;

/// <summary>Times as settings write them: <c>hh:mm:ss</c>, whose hours may be more than 23, or <c>d.hh:mm:ss</c>. Pure.</summary>
/// <remarks>Not what .NET parses: that takes <c>24:00:00</c> for 24 days, <c>10</c> for ten days and <c>1:30</c> for an hour and a
/// half.</remarks>
internal static partial class Durations
{
    /// <summary>False also for what is longer than a <see cref="TimeSpan"/> can be.</summary>
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

    /// <summary>As the configuration's binder reads it.</summary>
    public static string Write(TimeSpan time) => time.ToString("c", CultureInfo.InvariantCulture);

    private static long Number(Group group) => group.Success ? Number(group.Value) : 0;

    private static long Number(string digits) => long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?:(?<d>[0-9]{1,8})\.)?(?<h>[0-9]{1,9}):(?<m>[0-5][0-9]):(?<s>[0-5][0-9])(?:\.(?<f>[0-9]{1,7}))?\z")]
    private static partial Regex Form();
}
