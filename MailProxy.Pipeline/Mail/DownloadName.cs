using System.Buffers;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>The <c>Content-Disposition</c> header, by which a browser saves a download under its name (RFC 6266). Pure.</summary>
public static class DownloadName
{
    // Characters of a quoted-string, without those that some clients misread: quotes, backslashes, percent signs.
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        " !#$&'()+,-.0123456789=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{}~"
    );

    // The attr-char of RFC 8187.
    private static readonly SearchValues<byte> Bare = SearchValues.Create(
        "!#$&+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~"u8
    );

    /// <summary>Makes browsers save and never show the file: the name in ASCII for old clients, and in full (RFC 8187) for all
    /// others.</summary>
    public static string Header(string name)
    {
        name = FileName(name);
        var header = new StringBuilder("attachment; filename=\"", 64 + 4 * name.Length);
        foreach (var rune in name.EnumerateRunes())
            header.Append(rune.IsAscii && Plain.Contains((char)rune.Value) ? (char)rune.Value : '_');
        header.Append('"');
        if (!name.AsSpan().ContainsAnyExcept(Plain))
            return header.ToString();

        header.Append("; filename*=UTF-8''");
        foreach (var one in Encoding.UTF8.GetBytes(name))
        {
            if (Bare.Contains(one))
                header.Append((char)one);
            else
                header.Append('%').Append(one.ToString("X2"));
        }

        return header.ToString();
    }

    // Removes paths, control characters, and characters that change the direction of text; keeps the end of a long name, its extension.
    private static string FileName(string name)
    {
        var clean = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) == System.Globalization.UnicodeCategory.Format)
                continue;
            if (Rune.IsControl(rune) || rune.Value is '/' or '\\' or 0x2028 or 0x2029)
                clean.Append('_');
            else
                clean.Append(rune.ToString());
        }

        var text = clean.ToString().Trim(' ', '.');
        return text.Length == 0 ? "attachment" : text;
    }
}
