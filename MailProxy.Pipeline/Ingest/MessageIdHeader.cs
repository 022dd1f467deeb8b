namespace MailProxy.Pipeline.Ingest;

/// <summary>The Message-ID of a whole message. It is passed on as it stands, so the odd ones of old mail are taken too.</summary>
internal static class MessageIdHeader
{
    private const int Longest = 900;

    /// <summary>With angle brackets and without the comments around it (RFC 5322 3.6.4 allows them); null when it is none.</summary>
    /// <param name="value">Unfolded.</param>
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

    // What stands behind blanks and comments. A comment without its end stays.
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
