using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using System.Text.RegularExpressions;

namespace MailProxy.Pipeline.Mail;

/// <summary>The syntax of a header's value.</summary>
internal enum HeaderSyntax
{
    /// <summary>Free text (RFC 5322 section 3.6.5): non-ASCII characters become encoded words.</summary>
    Text,

    /// <summary>Tokens that machines read. Encoded words are not allowed (RFC 2047 section 5).</summary>
    Tokens,

    /// <summary>URLs in angle brackets (RFC 2369, RFC 5064): non-ASCII characters are percent-encoded.</summary>
    Urls,

    /// <summary>A phrase before a token in angle brackets (RFC 2919).</summary>
    PhraseAndToken,

    /// <summary>Mailboxes (RFC 5322 section 3.4).</summary>
    Mailboxes,
}

/// <summary>Knows the syntax of headers by name, and converts a client's value into the form for the wire. Pure.</summary>
internal static partial class HeaderFields
{
    /// <summary>Octets of one line, without its CRLF (RFC 5322 section 2.1.1).</summary>
    public const int LongestLine = 998;

    private static readonly SearchValues<char> Blanks = SearchValues.Create(" \t");

    private static readonly FrozenDictionary<string, HeaderSyntax> Known = new[]
    {
        (HeaderSyntax.Urls, "List-Unsubscribe List-Help List-Subscribe List-Post List-Owner List-Archive Archived-At"),
        (HeaderSyntax.PhraseAndToken, "List-Id"),
        (HeaderSyntax.Mailboxes, "Disposition-Notification-To Return-Receipt-To Mail-Followup-To Mail-Reply-To Errors-To"),
        (HeaderSyntax.Mailboxes, "X-Confirm-Reading-To"),
        (HeaderSyntax.Tokens, "References In-Reply-To Original-Message-ID Supersedes Auto-Submitted"),
        (HeaderSyntax.Tokens, "Importance Priority Sensitivity X-Priority"),
        (HeaderSyntax.Tokens, "Autocrypt Autocrypt-Gossip Thread-Index List-Unsubscribe-Post Expires Expiry-Date Reply-By Feedback-ID"),
        (HeaderSyntax.Tokens, "ARC-Seal ARC-Message-Signature ARC-Authentication-Results"),
    }
        .SelectMany(static row => row.Item2.Split(' ').Select(name => KeyValuePair.Create(name, row.Item1)))
        .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public static HeaderSyntax SyntaxOf(string name) => Known.GetValueOrDefault(name);

    /// <summary>Whether some mail program may read part of the value as an encoded word.</summary>
    public static bool LooksEncoded(ReadOnlySpan<char> value) => value.IndexOf("=?") >= 0 && EncodedWord().IsMatch(value);

    /// <summary>Takes the next token and the blanks before it; false at the end, where only blanks may remain.</summary>
    public static bool TryTake(scoped ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> blanks, out ReadOnlySpan<char> token)
    {
        var start = rest.IndexOfAnyExcept(Blanks);
        blanks = start < 0 ? rest : rest[..start];
        token = start < 0 ? [] : rest[start..];
        var end = token.IndexOfAny(Blanks);
        if (end >= 0)
            token = token[..end];
        rest = rest[(blanks.Length + token.Length)..];
        return !token.IsEmpty;
    }

    /// <summary>Whether each token fits on a line of its own, the first one after the name.</summary>
    public static bool CanFold(string name, ReadOnlySpan<char> value)
    {
        for (var column = name.Length + 2; TryTake(ref value, out var blanks, out var token); column = 0)
        {
            if (column + blanks.Length + Encoding.UTF8.GetByteCount(token) > LongestLine)
                return false;
        }

        return true;
    }

    /// <summary>Returns null when the value can be written under this name, otherwise why not, and what would be accepted.</summary>
    public static string? Fault(string name, string value)
    {
        var syntax = SyntaxOf(name);
        if (Ascii.IsValid(value))
            return CanFold(name, value.AsSpan().Trim(" \t")) ? null : TooLong(name);
        switch (syntax)
        {
            case HeaderSyntax.Tokens:
                return $"{name} is read by machines: write it in ASCII.";
            case HeaderSyntax.Urls when UrlsAsAscii(value) is { } ascii:
                return CanFold(name, ascii) ? null : TooLong(name);
            case HeaderSyntax.Urls:
                return $"{name} takes URLs in angle brackets, whose hosts are names that can exist, and outside of them ASCII.";
            case HeaderSyntax.PhraseAndToken:
                return ListIds.TryRead(value, out _, out _) ? null : $"Write {name} as Name <list.example.com>, in brackets ASCII.";
            case HeaderSyntax.Mailboxes:
                return Addresses.ReadHeader(value) is null ? $"Write {name} as addresses, with ASCII before the @." : null;
            default:
                return null;
        }
    }

    /// <summary>The value with its URLs converted to ASCII; null when anything outside of the URLs is not ASCII.</summary>
    public static string? UrlsAsAscii(string value)
    {
        if (Ascii.IsValid(value))
            return value;
        var ascii = new StringBuilder(value.Length + 32);
        var rest = value.AsSpan();
        for (var open = rest.IndexOf('<'); open >= 0; open = rest.IndexOf('<'))
        {
            var close = rest[open..].IndexOf('>');
            if (close < 0 || !Ascii.IsValid(rest[..open]) || UrlAsAscii(rest.Slice(open + 1, close - 1)) is not { } url)
                return null;
            ascii.Append(rest[..(open + 1)]).Append(url).Append('>');
            rest = rest[(open + close + 1)..];
        }

        return Ascii.IsValid(rest) ? ascii.Append(rest).ToString() : null;
    }

    private static string TooLong(string name) =>
        $"A line of {name} would be longer than {LongestLine} octets; it can be folded only at a space.";

    // The host as A-labels (RFC 3987 section 3.1), the rest percent-encoded.
    private static string? UrlAsAscii(ReadOnlySpan<char> url)
    {
        var (start, end) = Host(url);
        if (DomainNames.ToAscii(url[start..end].ToString()) is not { } host)
            return null;
        var ascii = new StringBuilder(url.Length + 32);
        Percent(ascii, url[..start]);
        ascii.Append(host);
        Percent(ascii, url[end..]);
        return ascii.ToString();
    }

    private static (int Start, int End) Host(ReadOnlySpan<char> url)
    {
        var isMail = url.StartsWith("mailto:", StringComparison.OrdinalIgnoreCase);
        var start =
            isMail ? "mailto:".Length
            : url.IndexOf("://") is >= 0 and var scheme ? scheme + 3
            : -1;
        if (start < 0)
            return (0, 0);
        var end = url[start..].IndexOfAny("/?#");
        end = end < 0 ? url.Length : start + end;
        var at = url[start..end].LastIndexOf('@');
        if (at < 0 && isMail)
            return (0, 0);
        start += at + 1;
        var port = url[start..end].IndexOf(':');
        return (start, port < 0 ? end : start + port);
    }

    private static void Percent(StringBuilder ascii, ReadOnlySpan<char> text)
    {
        Span<byte> octets = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.IsAscii)
                ascii.Append((char)rune.Value);
            else
                foreach (var octet in octets[..rune.EncodeToUtf8(octets)])
                    ascii.Append('%').Append(octet.ToString("X2"));
        }
    }

    [GeneratedRegex(@"=\?[^?]*\?[BbQq]\?", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex EncodedWord();
}
