namespace MailProxy.Pipeline.Send;

/// <summary>What the server says is not SMTP.</summary>
internal sealed class SmtpGarbageException(string message) : IOException(message);

/// <summary>Reads replies from a connection: one line or several, of a bounded size.</summary>
internal sealed class ReplyReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[4096];
    private readonly ReplyLines _reply = new();
    private int _start,
        _end;
    private bool _broken;

    /// <summary>Takes down what is read; null: nobody does.</summary>
    public Transcript? Transcript { get; set; }

    /// <summary>Something has arrived that nobody asked for, or nobody knows what comes next. Before STARTTLS it would be read as if it
    /// had come under TLS.</summary>
    public bool HasLeftovers => _start < _end || _broken;

    /// <summary>
    /// The next reply. A refusal counts as soon as its code is known, also when the connection ends before its last line: the code
    /// stands on
    /// each line. An acceptance counts only when it is whole.
    /// </summary>
    /// <exception cref="IOException">The stream ended.</exception>
    /// <exception cref="SmtpGarbageException">It is no reply.</exception>
    /// <param name="cancel">The time of the phase: it covers the whole reply, however slowly it comes.</param>
    /// <param name="lines">Takes each line's text, for EHLO and AUTH; else null.</param>
    public async ValueTask<SmtpReply> ReadAsync(CancellationToken cancel, List<string>? lines = null)
    {
        if (_broken)
            throw new IOException("The conversation had ended before.");
        _reply.Begin(lines);
        try
        {
            while (!_reply.IsComplete)
            {
                if (_start == _end)
                    await FillAsync(cancel);
                _start += _reply.Take(_buffer.AsSpan(_start, _end - _start));
            }
        }
        catch (Exception) when (_reply.Refuses)
        {
            // Whatever broke it off: what was read before stands. The next read tells.
            _broken = true;
            return Noted(_reply.ToRefusal());
        }
        catch
        {
            _broken = true;
            throw;
        }

        return Noted(_reply.ToReply());
    }

    private SmtpReply Noted(SmtpReply reply)
    {
        Transcript?.Reply(reply, _reply.Several);
        return reply;
    }

    private async ValueTask FillAsync(CancellationToken cancel)
    {
        (_start, _end) = (0, 0);
        _end = await stream.ReadAsync(_buffer, cancel);
        if (_end == 0)
            throw new IOException("The server closed the connection.");
    }
}
