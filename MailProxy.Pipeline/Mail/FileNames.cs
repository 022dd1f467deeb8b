using System.Buffers;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>Makes file names that a recipient's system accepts as one file in the intended directory. Pure.</summary>
public static class FileNames
{
    /// <summary>Bytes in UTF-8: the longest name of common file systems.</summary>
    private const int MaxBytes = 255;

    /// <summary>Characters that change the direction of text, and so display <c>fdp.exe</c> as <c>exe.pdf</c>.</summary>
    internal static readonly SearchValues<char> Turning = SearchValues.Create("\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069");

    private static readonly string[] Devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

    /// <summary>The name itself when it is harmless, otherwise the nearest harmless one; never empty.</summary>
    public static string Safe(string name)
    {
        var safe = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes())
        {
            if (rune.IsBmp && Turning.Contains((char)rune.Value))
                continue;
            if (
                Rune.IsControl(rune)
                || rune.Value is '/' or '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|' or 0x2028 or 0x2029 or 0xFFFD
            )
                safe.Append('_');
            else
                safe.Append(rune.ToString());
        }

        // Windows drops blanks and dots at the end, and a name that begins with a dot is hidden on other systems.
        var trimmed = safe.ToString().Trim(' ').TrimEnd('.', ' ');
        if (trimmed.StartsWith('.'))
            trimmed = "_" + trimmed.TrimStart('.');
        if (IsDevice(trimmed))
            trimmed = "_" + trimmed;
        return trimmed.Length == 0 || trimmed == "_" ? "attachment" : Shortened(trimmed);
    }

    private static bool IsDevice(string name)
    {
        var stem = (name.IndexOf('.') is > 0 and var dot ? name[..dot] : name).TrimEnd();
        return Devices.Contains(stem, StringComparer.OrdinalIgnoreCase)
            || (
                stem.Length == 4
                && char.IsAsciiDigit(stem[3])
                && (
                    stem.StartsWith("COM", StringComparison.OrdinalIgnoreCase) || stem.StartsWith("LPT", StringComparison.OrdinalIgnoreCase)
                )
            );
    }

    // The extension is kept, because it tells the type of the file.
    private static string Shortened(string name)
    {
        if (Encoding.UTF8.GetByteCount(name) <= MaxBytes)
            return name;
        var dot = name.LastIndexOf('.');
        var extension = dot > 0 && Encoding.UTF8.GetByteCount(name.AsSpan(dot)) <= 32 ? name[dot..] : "";
        var left = MaxBytes - Encoding.UTF8.GetByteCount(extension);
        var stem = new StringBuilder();
        foreach (var rune in name.AsSpan(0, name.Length - extension.Length).EnumerateRunes())
        {
            if ((left -= rune.Utf8SequenceLength) < 0)
                break;
            stem.Append(rune.ToString());
        }

        return stem.Append(extension).ToString();
    }
}
