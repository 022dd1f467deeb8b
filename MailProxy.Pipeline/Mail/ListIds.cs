using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>The value of a List-Id: an optional phrase, and an identifier in angle brackets (RFC 2919). Pure.</summary>
internal static class ListIds
{
    /// <param name="phrase">Without its quotes.</param>
    /// <param name="id">With its angle brackets.</param>
    public static bool TryRead(string value, out string phrase, out string id)
    {
        var text = value.AsSpan().Trim(" \t");
        var open = text.LastIndexOf('<');
        (phrase, id) = ("", "");
        if (open < 0 || text[^1] != '>' || !Ascii.IsValid(text[open..]))
            return false;
        var name = text[..open].Trim(" \t");
        phrase = name is ['"', .., '"'] ? Unquoted(name[1..^1]) : name.ToString();
        id = text[open..].ToString();
        return !phrase.Contains('<') && !id.AsSpan().ContainsAny(" \t");
    }

    private static string Unquoted(ReadOnlySpan<char> text)
    {
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
                i++;
            plain.Append(text[i]);
        }

        return plain.ToString();
    }
}
