using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Mail;
using MimeKit.Utils;

namespace MailProxy.Pipeline.Ingest;

/// <summary>
/// Reads the mailboxes of a From or Sender header as every mail program would show them. Anything that programs may read differently (a
/// group, a route, an address in an unquoted name, a comment inside an address) is not a mailbox here.
/// </summary>
internal ref struct FromHeader
{
    private const string Specials = "()<>,:;\\\" \t";

    private static readonly SearchValues<char> Ends = SearchValues.Create(Specials);

    private readonly ReadOnlySpan<char> _text;
    private readonly List<Mailbox> _found = [];
    private int _at;

    private FromHeader(ReadOnlySpan<char> text) => _text = text;

    /// <summary>Returns null when <paramref name="mailboxes"/> holds all mailboxes, at least one; otherwise the reason.</summary>
    /// <param name="value">The unfolded value.</param>
    public static string? Read(ReadOnlySpan<char> value, int most, out IReadOnlyList<Mailbox> mailboxes)
    {
        mailboxes = [];
        foreach (var c in value)
        {
            if (char.IsControl(c) && c != '\t')
                return "has a control character";
        }

        var header = new FromHeader(value);
        while (true)
        {
            if (header.One() is { } fault)
                return fault;
            if (header._at == value.Length)
                break;
            if (header._found.Count == most)
                return $"has more than {most} addresses";
            header._at++;
        }

        mailboxes = header._found;
        return null;
    }

    // Reads one mailbox, up to the following comma or the end.
    private string? One()
    {
        ReadOnlySpan<char> bare = default,
            angle = default;
        int words = 0,
            nameFrom = -1,
            nameTo = 0;
        bool hasAngle = false,
            hasAt = false;
        while (_at < _text.Length && _text[_at] != ',')
        {
            var c = _text[_at];
            string? fault = null;
            if (c is ' ' or '\t')
                _at++;
            else if (c == '(')
                fault = Comment();
            else if (hasAngle)
                fault = "has something behind an address in angle brackets";
            else if (c == '<')
            {
                hasAngle = true;
                fault = Angle(out angle);
            }
            else
            {
                if (nameFrom < 0)
                    nameFrom = _at;
                fault = Word(out bare, ref hasAt);
                nameTo = _at;
                words++;
            }

            if (fault is not null)
                return fault;
        }

        var name = nameFrom < 0 ? default : _text[nameFrom..nameTo];
        if (!hasAngle && words != 1)
            return words == 0 ? "has no address" : "has words that are neither a name nor an address";
        var address = hasAngle ? angle.Trim(" \t") : bare;
        if (hasAngle && hasAt && !name.Equals(address, StringComparison.OrdinalIgnoreCase))
        {
            return "has an address in a name; put the name in double quotes";
        }

        return hasAngle && HidesControl(name) ? "has a name that hides control characters" : Add(address);
    }

    private readonly string? Add(ReadOnlySpan<char> address)
    {
        if (address.Contains("=?", StringComparison.Ordinal))
            return "has an encoded word in an address";
        if (Addresses.ReadBare(address, out var mailbox) is { } fault)
            return $"has an invalid address: {fault.Detail.TrimEnd('.')}";
        _found.Add(mailbox);
        return null;
    }

    // Reads quoted strings and other characters that have no blank between them.
    private string? Word(out ReadOnlySpan<char> word, scoped ref bool hasAt)
    {
        var from = _at;
        word = default;
        while (_at < _text.Length)
        {
            if (_text[_at] == '"')
            {
                if (Quoted() is { } fault)
                    return fault;
                continue;
            }

            var length = _text[_at..].IndexOfAny(Ends);
            if (length < 0)
                length = _text.Length - _at;
            if (length == 0)
                break;
            hasAt |= _text.Slice(_at, length).Contains('@');
            _at += length;
        }

        word = _text[from.._at];
        return _at == from ? $"has a '{_text[_at]}' where none may stand (groups and routes are not taken)" : null;
    }

    private string? Quoted()
    {
        for (_at++; _at < _text.Length; _at++)
        {
            if (_text[_at] == '\\')
                _at++;
            else if (_text[_at] == '"')
            {
                _at++;
                return null;
            }
        }

        return "has an unclosed quotation mark";
    }

    private string? Angle(out ReadOnlySpan<char> content)
    {
        var from = ++_at;
        content = default;
        while (_at < _text.Length)
        {
            switch (_text[_at])
            {
                case '"':
                    if (Quoted() is { } fault)
                        return fault;
                    break;
                case '>':
                    content = _text[from.._at++];
                    return null;
                default:
                    _at++;
                    break;
            }
        }

        return "has an unclosed angle bracket";
    }

    // A comment with angle brackets is refused, because some programs would look for the address in it.
    private string? Comment()
    {
        var depth = 0;
        for (; _at < _text.Length; _at++)
        {
            switch (_text[_at])
            {
                case '\\':
                    _at++;
                    break;
                case '(':
                    depth++;
                    break;
                case ')' when --depth == 0:
                    _at++;
                    return null;
                case '<' or '>':
                    return "has angle brackets in a comment";
            }
        }

        return "has an unclosed comment";
    }

    private static bool HidesControl(ReadOnlySpan<char> name)
    {
        if (!name.Contains("=?", StringComparison.Ordinal))
            return false;
        foreach (var c in Rfc2047.DecodePhrase(Encoding.UTF8.GetBytes(name.ToString())))
        {
            if (char.IsControl(c))
                return true;
        }

        return false;
    }
}
