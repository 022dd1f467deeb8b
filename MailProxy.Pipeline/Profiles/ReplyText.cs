namespace MailProxy.Pipeline.Profiles;

/// <summary>A reply's text as rules look at it: the beginning of it, on one line, with the enhanced code as the server wrote it. The class
/// of that code may be another than the reply code's: 4xx replies with 5.x.x exist.</summary>
public readonly struct ReplyText
{
    /// <summary>Characters that are looked at.</summary>
    public const int Longest = 512;

    private ReplyText(string words, string? enhanced) => (Words, Enhanced) = (words, enhanced);

    /// <summary>Without the enhanced codes that stand before each line of the reply.</summary>
    public string Words { get; }

    /// <summary>Null: the text begins with none.</summary>
    public string? Enhanced { get; }

    public static ReplyText Of(string text)
    {
        var head = (text.Length > Longest ? text[..Longest] : text).TrimStart();
        var end = head.AsSpan().IndexOfAny(' ', '\r', '\n');
        var word = end < 0 ? head : head[..end];
        var plain = word.AsSpan().TrimStart('#').TrimEnd(':');
        if (!EnhancedPattern.IsCode(plain))
            return new(head, null);
        var code = plain.Length == word.Length ? word : plain.ToString();

        // Each line of a reply has the code again, in the middle of sentences that go over several lines.
        var rest = head[word.Length..];
        return new(rest.Contains(code, StringComparison.Ordinal) ? rest.Replace($" {word} ", " ", StringComparison.Ordinal) : rest, code);
    }
}
