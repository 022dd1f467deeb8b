namespace MailProxy.Daemon.Genro;

/// <summary>A text with addresses and commas between. Pure.</summary>
internal static class AddressText
{
    /// <summary>The addresses; a comma in double quotes or angle brackets separates none.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        var parts = new List<string>(1);
        var (start, quoted, angle) = (0, false, false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quoted && c == '\\')
                i++;
            else if (c == '"')
                quoted = !quoted;
            else if (quoted)
                continue;
            else if (c is '<' or '>')
                angle = c == '<';
            else if (c == ',' && !angle)
            {
                Add(text.AsSpan(start, i - start));
                start = i + 1;
            }
        }

        Add(text.AsSpan(Math.Min(start, text.Length)));
        return parts;

        void Add(ReadOnlySpan<char> part)
        {
            if (part.Trim() is { Length: > 0 } trimmed)
                parts.Add(trimmed.ToString());
        }
    }
}
