using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Puts one reply together from octets as they come (RFC 5321 section 4.2). Keeps the head of each line and the beginning of the text,
/// counts everything, and so never holds more than it may, whatever a server sends. Pure.
/// </summary>
internal sealed class ReplyLines
{
    /// <summary>A reply of more octets is none. RFC 5321 allows 512 a line; servers that quote a policy at length exceed it.</summary>
    public const int MostOctets = 128 * 1024;

    // What is kept of a line: enough for a SASL challenge, while of the text only the beginning is told anyway.
    private const int LongestHead = 4096;
    private const int LongestText = 2048;

    // Of a reply of several lines so many are kept as they are.
    private const int MostLines = 64;

    private readonly StringBuilder _text = new();
    private byte[] _head = new byte[256];
    private List<string>? _lines,
        _several;
    private int _length,
        _code,
        _octets;
    private bool _any,
        _contradicts;

    /// <summary>Whether what has come so far says no, whatever may follow: each line of a reply carries its code.</summary>
    public bool Refuses => !_contradicts && Milder is >= 400 and < 600;

    /// <summary>The last line has come.</summary>
    public bool IsComplete { get; private set; }

    // The code of the lines so far, and of the one under way once its separator has come.
    private int Milder
    {
        get
        {
            if (_length < 4 || CodeOf(_head) is not { } its)
                return _code;
            return _code == 0 ? its : Math.Min(_code, its);
        }
    }

    /// <summary>The first lines of a reply that has several, each with its code; else null.</summary>
    public IReadOnlyList<string>? Several => _several;

    /// <summary>The next reply begins.</summary>
    /// <param name="lines">Takes the text of each line, for EHLO and AUTH; else null.</param>
    public void Begin(List<string>? lines)
    {
        (_lines, _several) = (lines, null);
        _text.Clear();
        (_length, _code, _octets) = (0, 0, 0);
        (_any, _contradicts, IsComplete) = (false, false, false);
    }

    /// <summary>Takes octets up to the end of a line at most; returns how many.</summary>
    /// <exception cref="SmtpGarbageException">It is no reply, or one that does not end.</exception>
    public int Take(ReadOnlySpan<byte> octets)
    {
        var end = octets.IndexOf((byte)'\n');
        var part = end < 0 ? octets : octets[..end];
        Keep(part);
        if (_length >= 4 || end >= 0)
            Check();
        _octets += end < 0 ? part.Length : end + 1;
        if (_octets > MostOctets)
            throw new SmtpGarbageException($"A reply of more than {MostOctets / 1024} KB.");
        if (end < 0)
            return part.Length;
        EndLine();
        return end + 1;
    }

    public SmtpReply ToReply() => SmtpReply.Of(_code, _text.ToString());

    /// <summary>The refusal, as far as it came.</summary>
    public SmtpReply ToRefusal()
    {
        var code = Milder;
        if (_length > 4)
        {
            var text = TextOf(Line());
            _several?.Add(SmtpReply.OneLine($"{code} {text}"));
            Append(text);
        }

        return SmtpReply.Of(code, _text.ToString());
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        var more = Math.Min(part.Length, LongestHead - _length);
        if (_length + more > _head.Length)
            Array.Resize(ref _head, Math.Min(LongestHead, Math.Max(_head.Length * 2, _length + more)));
        part[..more].CopyTo(_head.AsSpan(_length));
        _length += more;
    }

    // Three digits, then a blank, a hyphen when more follow, or nothing.
    private void Check()
    {
        var line = Line();
        if (CodeOf(line) is not { } its || (line.Length > 3 && line[3] is not ((byte)' ' or (byte)'-' or (byte)'\t')))
        {
            _contradicts = true;
            throw new SmtpGarbageException(
                $"Not a reply: '{SmtpReply.OneLine(Encoding.Latin1.GetString(line[..Math.Min(line.Length, 80)]))}'."
            );
        }

        if (_code == 0 || its == _code)
            return;

        // Two refusals in one: the milder counts. Anything else contradicts itself.
        _contradicts = _code < 400 || its < 400;
        throw new SmtpGarbageException($"A reply that begins with {_code} and goes on with {its}.");
    }

    private void EndLine()
    {
        var line = Line();
        _code = CodeOf(line)!.Value;
        var text = TextOf(line);
        _lines?.Add(text);
        IsComplete = line.Length < 4 || line[3] != (byte)'-';
        if ((!IsComplete || _any) && (_several ??= []).Count < MostLines)
            _several.Add(SmtpReply.OneLine($"{_code}{(IsComplete ? ' ' : '-')}{text}"));
        Append(text);
        _length = 0;
    }

    private void Append(string text)
    {
        if (_any && _text.Length < LongestText)
            _text.Append(' ');
        _any = true;
        _text.Append(text, 0, Math.Max(0, Math.Min(text.Length, LongestText - _text.Length)));
    }

    // The head of the line, without a CR at its end.
    private ReadOnlySpan<byte> Line()
    {
        var line = _head.AsSpan(0, _length);
        return line.EndsWith("\r"u8) ? line[..^1] : line;
    }

    private static string TextOf(ReadOnlySpan<byte> line) => line.Length > 4 ? Encoding.UTF8.GetString(line[4..]) : "";

    private static int? CodeOf(ReadOnlySpan<byte> line)
    {
        if (line.Length < 3 || line[0] is < (byte)'2' or > (byte)'5')
            return null;
        if (line[1..3].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return null;
        return ((line[0] - '0') * 100) + ((line[1] - '0') * 10) + (line[2] - '0');
    }
}
