namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>Texts that PostgreSQL takes: it knows no U+0000 and no half of a surrogate pair. Pure.</summary>
internal static class PgText
{
    private const char Replacement = '\uFFFD';

    /// <summary>The text, with U+FFFD in place of what cannot be stored.</summary>
    public static string Storable(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (IsUnstorable(text, i))
                return Replaced(text);
            if (char.IsHighSurrogate(text[i]))
                i++;
        }

        return text;
    }

    private static bool IsUnstorable(string text, int at) =>
        text[at] == '\0'
        || (char.IsHighSurrogate(text[at]) && (at + 1 == text.Length || !char.IsLowSurrogate(text[at + 1])))
        || char.IsLowSurrogate(text[at]);

    private static string Replaced(string text) =>
        string.Create(
            text.Length,
            text,
            static (to, from) =>
            {
                for (var i = 0; i < from.Length; i++)
                {
                    if (IsUnstorable(from, i))
                        to[i] = Replacement;
                    else if (char.IsHighSurrogate(to[i] = from[i]))
                        to[++i] = from[i];
                }
            }
        );
}
