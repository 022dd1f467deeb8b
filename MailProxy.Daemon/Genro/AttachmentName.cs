using System.Text.RegularExpressions;

namespace MailProxy.Daemon.Genro;

/// <summary>File names with a marker <c>{MD5:…}</c>, the name under which content is found again. Pure.</summary>
internal static partial class AttachmentName
{
    /// <summary>The name without its marker, and the marker's digits; null: there is none.</summary>
    public static (string Name, string? Md5) Read(string filename)
    {
        if (Marker().Match(filename) is not { Success: true } marker)
            return (filename, null);
        var name = Runs().Replace(Marker().Replace(filename, ""), "_").Trim('_').Replace("_.", ".", StringComparison.Ordinal);
        return (name.Length == 0 ? "attachment" : name, marker.Groups["md5"].Value);
    }

    public static bool IsMd5(string text) => Digits().IsMatch(text);

    [GeneratedRegex(@"\{MD5:(?<md5>[0-9A-Fa-f]{32})\}", RegexOptions.CultureInvariant)]
    private static partial Regex Marker();

    [GeneratedRegex("_+", RegexOptions.CultureInvariant)]
    private static partial Regex Runs();

    [GeneratedRegex("^[0-9A-Fa-f]{32}$", RegexOptions.CultureInvariant)]
    private static partial Regex Digits();
}
