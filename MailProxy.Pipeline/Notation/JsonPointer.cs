using System.Text;

namespace MailProxy.Pipeline.Notation;

/// <summary>JSON pointers (RFC 6901), which tell a client where a mistake is.</summary>
public static class JsonPointer
{
    /// <summary>Most characters of a pointer in an answer, since the name of a member may be as long as the request.</summary>
    private const int Longest = 300;

    /// <summary>One reference token, escaped.</summary>
    public static string Escape(string member) =>
        member.AsSpan().ContainsAny('~', '/')
            ? member.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)
            : member;

    /// <summary>The name that an escaped reference token stands for.</summary>
    public static string Unescape(string token) =>
        token.Contains('~') ? token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal) : token;

    /// <summary>The pointer extended by one member.</summary>
    public static string Member(string parent, string member) => $"{parent}/{Escape(member)}";

    /// <summary>The pointer, cut off when it is too long for an answer.</summary>
    public static string Short(string pointer) => pointer.Length <= Longest ? pointer : pointer[..Longest] + "…";

    /// <summary>
    /// Converts the path of a <see cref="System.Text.Json.JsonException"/>: <c>$.to[0].email</c>, <c>$.headers['a.b']</c>. Quoted names
    /// are not escaped there, so a quote ends a name only where the path can continue.
    /// </summary>
    public static string FromPath(string? path)
    {
        var pointer = new StringBuilder();
        var rest = path.AsSpan();
        if (rest is ['$', ..])
            rest = rest[1..];
        while (!rest.IsEmpty)
        {
            int end;
            ReadOnlySpan<char> token;
            if (rest.StartsWith("['"))
            {
                end = EndOfQuoted(rest);
                token = rest[2..Math.Max(2, end - 2)];
            }
            else if (rest[0] == '[')
            {
                end = rest.IndexOf(']') + 1;
                if (end == 0)
                    end = rest.Length;
                token = rest[1..Math.Max(1, end - 1)];
            }
            else
            {
                end = rest[1..].IndexOfAny('.', '[') + 1;
                if (end == 0)
                    end = rest.Length;
                token = rest[1..end];
            }

            pointer.Append('/').Append(Escape(token.ToString()));
            rest = rest[end..];
        }

        return pointer.ToString();
    }

    private static int EndOfQuoted(ReadOnlySpan<char> rest)
    {
        for (var from = 2; from < rest.Length; )
        {
            var close = rest[from..].IndexOf("']");
            if (close < 0)
                break;
            from += close + 2;
            if (from == rest.Length || rest[from] is '.' or '[')
                return from;
        }

        return rest.Length;
    }
}
