namespace MailProxy.Pipeline.Ingest;

/// <summary>The Message-ID of a raw message. It is passed on unchanged, so unusual ones of old mail are accepted too.</summary>
internal static class MessageIdHeader
{
    private const int Longest = 900;

    /// <summary>The Message-ID with angle brackets, without comments around it (RFC 5322 3.6.4 allows them); null when it is
    /// invalid.</summary>
    /// <param name="value">The unfolded value.</param>
    public static string? Read(string value)
    {
        var text = Behind(value);
        if (!text.StartsWith('<'))
            return HeaderRules.MessageId(value);
        var end = text.IndexOf('>');
        if (end < 0 || !Behind(text[(end + 1)..]).IsEmpty)
            return null;
        var id = text[1..end];
        if (id.IsWhiteSpace() || id.Contains('<') || id.Length > Longest)
            return null;
        foreach (var c in id)
        {
            if (char.IsControl(c))
                return null;
        }

        return text[..(end + 1)].ToString();
    }

    // The text after leading blanks and comments. An unterminated comment is kept.
    private static ReadOnlySpan<char> Behind(ReadOnlySpan<char> text)
    {
        text = text.Trim(" \t");
        while (text.StartsWith('('))
        {
            var end = EndOfComment(text);
            if (end < 0)
                return text;
            text = text[end..].TrimStart(" \t");
        }

        return text;
    }

    private static int EndOfComment(ReadOnlySpan<char> text)
    {
        var depth = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '(')
                depth++;
            else if (text[i] == ')' && --depth == 0)
                return i + 1;
        }

        return -1;
    }
}
