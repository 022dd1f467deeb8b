using System.Globalization;

namespace MailProxy.Daemon.Hosting;

/// <summary>How many files and connections the process may have open.</summary>
internal static class OpenFiles
{
    private const string Limits = "/proc/self/limits";

    /// <summary>The limit that is assumed when the system does not tell.</summary>
    private const int Usual = 1_024;

    /// <summary>The soft limit of this process; <see cref="Usual"/> when the system does not tell.</summary>
    public static int Limit() => File.Exists(Limits) ? Parse(File.ReadLines(Limits)) ?? Usual : Usual;

    /// <summary>
    /// Parses <c>Max open files            1024                 1048576              files</c>; null when there is no such line, or no
    /// limit.
    /// </summary>
    public static int? Parse(IEnumerable<string> lines)
    {
        const string Name = "Max open files";
        var line = lines.FirstOrDefault(static line => line.StartsWith(Name, StringComparison.Ordinal));
        var soft = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? (int)Math.Min(limit, 1_000_000) : null;
    }
}
