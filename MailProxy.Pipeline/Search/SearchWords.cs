namespace MailProxy.Pipeline.Search;

/// <summary>One part of a search as it was written.</summary>
/// <param name="Key">What stands before the colon, in lower case; null: a free word.</param>
/// <param name="Not">A minus sign stands before it.</param>
/// <param name="Value">Without quotation marks.</param>
/// <param name="Place">Where it begins in the text, from 1.</param>
public readonly record struct SearchWord(string? Key, bool Not, string Value, int Place);

/// <summary>
/// Cuts a search into its words: <c>key:value</c>, <c>-key:value</c>, and free words, with blanks between; a value that has blanks stands
/// in quotation marks, a backslash in them takes the next character as it is. Pure.
/// </summary>
public static class SearchWords
{
    /// <returns>What is wrong; null: nothing.</returns>
    public static string? Read(string text, IReadOnlySet<string> keys, List<SearchWord> words)
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
                at++;
            if (at == text.Length)
                return null;
            if (Next(text, ref at, keys, words) is { } mistake)
                return mistake;
        }
    }

    private static string? Next(string text, ref int at, IReadOnlySet<string> keys, List<SearchWord> words)
    {
        var begun = at;
        var not = text[at] == '-' && at + 1 < text.Length && !char.IsWhiteSpace(text[at + 1]);
        if (not)
            at++;
        var key = Key(text, ref at);
        if (key is not null && !keys.Contains(key))
        {
            var known = string.Join(", ", keys);
            return $"At character {begun + 1}: {key}: is unknown; known are {known}. A word with a colon stands in quotes.";
        }

        if (Value(text, ref at) is not { } value)
            return $"The quotation mark at character {at + 1} is not closed.";
        if (value.Length == 0)
            return $"At character {begun + 1}: {(key is null ? "a word is empty" : $"{key}: needs a value")}.";
        words.Add(new(key, not, value, begun + 1));
        return null;
    }

    // A key that is not known is a mistake, and no word: a search may say what is to be cancelled.
    private static string? Key(string text, ref int at)
    {
        var colon = at;
        while (colon < text.Length && (char.IsAsciiLetter(text[colon]) || text[colon] == '_'))
            colon++;
        if (colon == at || colon == text.Length || text[colon] != ':')
            return null;
        var key = text[at..colon].ToLowerInvariant();
        at = colon + 1;
        return key;
    }

    // Null: a quotation mark is not closed, and the place is where it stands.
    private static string? Value(string text, ref int at)
    {
        var value = new System.Text.StringBuilder();
        while (at < text.Length && !char.IsWhiteSpace(text[at]))
        {
            if (text[at] != '"')
            {
                value.Append(text[at++]);
                continue;
            }

            var opened = at++;
            while (at < text.Length && text[at] != '"')
            {
                if (text[at] == '\\' && at + 1 < text.Length)
                    at++;
                value.Append(text[at++]);
            }

            if (at == text.Length)
            {
                at = opened;
                return null;
            }

            at++;
        }

        return value.ToString();
    }
}
