namespace MailProxy.Pipeline.Profiles;

/// <summary>A host name, or several by <c>*</c>, which stands for any characters: <c>email-smtp.*.amazonaws.com</c>.</summary>
public sealed class HostPattern
{
    private const int Longest = 255;

    private readonly string[] _parts;

    private HostPattern(string text) => (Text, _parts) = (text, text.Split('*'));

    public string Text { get; }

    /// <summary>The more of a name is written out, the more exact: the most exact pattern decides.</summary>
    public int Exactness => Text.Length - (_parts.Length - 1);

    /// <summary>Null when it is none: small letters, digits, hyphens, dots and stars.</summary>
    public static HostPattern? Parse(string text) =>
        text.Length is >= 1 and <= Longest && text.All(static c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-' or '.' or '*')
            ? new(text)
            : null;

    /// <param name="host">In small letters.</param>
    public bool Matches(ReadOnlySpan<char> host)
    {
        if (_parts.Length == 1)
            return host.SequenceEqual(_parts[0]);
        if (!host.StartsWith(_parts[0]))
            return false;
        host = host[_parts[0].Length..];
        for (var i = 1; i < _parts.Length - 1; i++)
        {
            var at = host.IndexOf(_parts[i]);
            if (at < 0)
                return false;
            host = host[(at + _parts[i].Length)..];
        }

        return host.EndsWith(_parts[^1]);
    }
}
