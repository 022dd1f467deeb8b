using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>What the server says is not SMTP.</summary>
internal sealed class SmtpGarbageException(string message) : IOException(message);

/// <summary>Reads replies from a connection (RFC 5321 section 4.2): one line or several, of a bounded length and number.</summary>
internal sealed class ReplyReader(Stream stream)
{
    private const int MostLines = 128;

    // RFC 5321 allows 512 octets a line; servers that quote a policy at length exceed it.
    private readonly byte[] _buffer = new byte[4096];
    private int _start, _end;

    /// <summary>Something has arrived that nobody asked for. Before STARTTLS it would be read as if it had come under TLS.</summary>
    public bool HasLeftovers => _start < _end;

    /// <summary>The next reply. Throws <see cref="IOException"/> at the end of the stream, <see cref="SmtpGarbageException"/> for what is no reply.</summary>
    /// <param name="lines">Takes each line's text, for EHLO; else null.</param>
    public async ValueTask<SmtpReply> ReadAsync(CancellationToken cancel, List<string>? lines = null)
    {
        StringBuilder? earlier = null;
        var code = 0;
        for (var line = 0; line < MostLines; line++)
        {
            int length;
            while ((length = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n')) < 0) await FillAsync(cancel);
            var (text, last) = Take(length, ref code);
            lines?.Add(text);
            if (last && earlier is null) return SmtpReply.Of(code, text);
            earlier = (earlier ?? new StringBuilder()).Append(earlier is null ? "" : " ").Append(text);
            if (last) return SmtpReply.Of(code, earlier.ToString());
        }

        throw new SmtpGarbageException($"A reply of more than {MostLines} lines.");
    }

    // The line without its end: three digits, then a space, a hyphen when more follow, or nothing.
    private (string Text, bool Last) Take(int length, ref int code)
    {
        var line = _buffer.AsSpan(_start, length);
        _start += length + 1;
        if (line.EndsWith("\r"u8)) line = line[..^1];
        if (line.Length < 3 || line[0] is < (byte)'2' or > (byte)'5' || line[1..3].ContainsAnyExceptInRange((byte)'0', (byte)'9')
            || (line.Length > 3 && line[3] is not ((byte)' ' or (byte)'-')))
        {
            throw new SmtpGarbageException($"Not a reply: '{SmtpReply.OneLine(Encoding.Latin1.GetString(line[..Math.Min(line.Length, 80)]))}'.");
        }

        var its = ((line[0] - '0') * 100) + ((line[1] - '0') * 10) + (line[2] - '0');
        if (code != 0 && code != its) throw new SmtpGarbageException($"A reply that begins with {code} and goes on with {its}.");
        code = its;
        var text = line.Length > 4 ? Encoding.UTF8.GetString(line[4..]) : "";
        return (text, line.Length == 3 || line[3] == ' ');
    }

    private async ValueTask FillAsync(CancellationToken cancel)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length) throw new SmtpGarbageException($"A line of more than {_buffer.Length} octets.");
        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancel);
        if (read == 0) throw new IOException("The server closed the connection.");
        _end += read;
    }
}
