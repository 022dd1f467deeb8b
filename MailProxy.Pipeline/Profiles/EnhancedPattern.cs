namespace MailProxy.Pipeline.Profiles;

/// <summary>An enhanced code (RFC 3463) of a rule: <c>5.7.1</c>, or how it begins: <c>5.7.*</c>, <c>5.7.60*</c>.</summary>
public sealed class EnhancedPattern
{
    private readonly string _text;
    private readonly bool _begins;

    private EnhancedPattern(string text) => (_begins, _text) = (text.EndsWith('*'), text.TrimEnd('*'));

    /// <summary>Null when it is none.</summary>
    public static EnhancedPattern? Parse(string text) =>
        IsCode(text) || (text is [_, '.', .., '*'] && (IsCode(text.AsSpan(..^1)) || IsCode(text[..^1] + "0") || IsCode(text[..^1] + "0.0")))
            ? new(text)
            : null;

    public bool Matches(string code) => _begins ? code.StartsWith(_text, StringComparison.Ordinal) : code == _text;

    public override string ToString() => _begins ? _text + "*" : _text;

    /// <summary>Class 4 or 5, subject and detail of one to three digits.</summary>
    internal static bool IsCode(ReadOnlySpan<char> word)
    {
        if (word.Length is < 5 or > 9 || word[0] is not ('4' or '5') || word[1] != '.')
            return false;
        var dot = word[2..].IndexOf('.');
        return dot is >= 1 and <= 3 && IsNumber(word.Slice(2, dot)) && IsNumber(word[(dot + 3)..]);
    }

    private static bool IsNumber(ReadOnlySpan<char> digits) => digits.Length is >= 1 and <= 3 && !digits.ContainsAnyExceptInRange('0', '9');
}
