namespace MailProxy.Pipeline.Notation;

/// <summary>The syntax of <c>tracestate</c> (W3C Trace Context): what tracing systems note for themselves. Pure.</summary>
internal static class TraceState
{
    /// <summary>Characters; the recommendation asks for so many at least, and longer ones are dropped.</summary>
    public const int MaxLength = 512;

    private const int MaxMembers = 32,
        MaxKey = 256,
        MaxTenant = 241,
        MaxSystem = 14,
        MaxValue = 256;

    /// <summary>Its members with commas between, in their order; null: there is none, or it is malformed.</summary>
    public static string? Normal(string? header)
    {
        if (header is null || header.Length > 2 * MaxLength)
            return null;
        var members = new List<string>();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var part in header.Split(','))
        {
            var member = part.Trim(' ', '\t');
            if (member.Length == 0)
                continue; // allowed
            var at = member.IndexOf('=', StringComparison.Ordinal);
            if (at < 0 || !IsKey(member.AsSpan(0, at)) || !IsValue(member.AsSpan(at + 1)) || !keys.Add(member[..at]))
                return null;
            members.Add(member);
        }

        var text = string.Join(',', members);
        return members.Count is > 0 and <= MaxMembers && text.Length <= MaxLength ? text : null;
    }

    private static bool IsKey(ReadOnlySpan<char> key)
    {
        var at = key.IndexOf('@');
        if (at < 0)
            return key.Length is > 0 and <= MaxKey && char.IsAsciiLetterLower(key[0]) && IsName(key);
        var tenant = key[..at];
        var system = key[(at + 1)..];
        return tenant.Length is > 0 and <= MaxTenant
            && (char.IsAsciiLetterLower(tenant[0]) || char.IsAsciiDigit(tenant[0]))
            && IsName(tenant)
            && system.Length is > 0 and <= MaxSystem
            && char.IsAsciiLetterLower(system[0])
            && IsName(system);
    }

    private static bool IsName(ReadOnlySpan<char> text) => !text.ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789_-*/");

    // Blanks at the end were cut off with those between members.
    private static bool IsValue(ReadOnlySpan<char> value)
    {
        foreach (var one in value)
        {
            if (one is < ' ' or > '~' or '=')
                return false;
        }

        return value.Length is > 0 and <= MaxValue;
    }
}
