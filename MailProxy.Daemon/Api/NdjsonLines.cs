namespace MailProxy.Daemon.Api;

/// <summary>Cuts the body into chunks of whole lines. The bytes of a chunk stay charged until the next one.</summary>
internal sealed class NdjsonLines(SubmissionGateway gateway, RequestMemory memory, ApiOptions options, HttpContext http) : IDisposable
{
    private ChargedBuffer _buffer = memory.NewBuffer(http, memory.NewWaitBudget());
    private readonly PacedBody _body = memory.NewBody(http);
    private int _used; // bytes of the buffer that belong to the chunk before
    private long _total;
    private bool _ended;

    public List<ReadOnlyMemory<byte>> Chunk { get; } = [];

    public long ChunkBytes { get; private set; }

    /// <summary>Why reading ended before the body did.</summary>
    public ProblemAnswer? Refusal { get; private set; }

    /// <summary>False: there are no more lines, or none may be read (<see cref="Refusal"/>).</summary>
    public async ValueTask<bool> NextAsync(int allowed)
    {
        Chunk.Clear();
        ChunkBytes = 0;
        if (Refusal is not null || !await MoveRestAsync())
            return false;

        var searched = 0;
        while (true)
        {
            searched = Cut(searched, allowed);
            if (Refusal is not null || Chunk.Count >= options.NdjsonChunkMessages || ChunkBytes >= options.NdjsonChunkBytes)
                break;
            if (_ended)
            {
                // The last line need not end with a line feed.
                if (_used < _buffer.Length)
                    Take(_buffer.Length, _buffer.Length, allowed);
                break;
            }

            if (!await ReadAsync())
                break;
        }

        return Chunk.Count > 0;
    }

    /// <summary>Charges what binding the chunk will take, until the next one; false: there is no memory for it.</summary>
    public ValueTask<bool> ChargeAsync(long cost) => gateway.ChargeAsync(_buffer, cost);

    public void Dispose() => _buffer.Dispose();

    // What may still come, and the byte that proves it was too much.
    private long Left => (http.Request.ContentLength ?? gateway.MaxRequestBytes + 1) - _total;

    // The unread rest starts a buffer of its own, so that the chunk's charge can end with the chunk.
    private async ValueTask<bool> MoveRestAsync()
    {
        if (_used == 0)
            return true;
        var rest = _buffer.Bytes[_used..];
        var next = memory.NewBuffer(http, memory.NewWaitBudget());
        _buffer.Dispose();
        _buffer = next;
        _used = 0;
        if (rest.Length == 0)
            return true;
        if (!await Grow(rest.Length))
            return false;
        rest.CopyTo(next.Free);
        next.Filled(rest.Length);
        return true;
    }

    private int Cut(int searched, int allowed)
    {
        while (Refusal is null && Chunk.Count < options.NdjsonChunkMessages && ChunkBytes < options.NdjsonChunkBytes)
        {
            var found = _buffer.Bytes.Span[searched..].IndexOf((byte)'\n');
            if (found < 0)
                return _buffer.Length;
            Take(searched + found, searched + found + 1, allowed);
            searched = _used;
        }

        return searched;
    }

    private void Take(int end, int next, int allowed)
    {
        var line = _buffer.Bytes[_used..end];
        if (line.Span.Trim(" \t\r"u8).Length == 0)
        {
            _used = next; // an empty line says nothing
        }
        else if (Chunk.Count >= allowed)
        {
            Refusal = ProblemAnswer.Of(413, "too_many_messages", "A request carries no more messages than this.");
        }
        else
        {
            _used = next;
            Chunk.Add(line);
            ChunkBytes += line.Length;
        }
    }

    private async ValueTask<bool> ReadAsync()
    {
        if (_buffer.Free.Length == 0 && !await Grow(SubmissionGateway.NextStep(_buffer.Length, _buffer.Length + Left)))
            return false;
        int read;
        try
        {
            read = await _body.ReadAsync(_buffer.Free);
        }
        catch (StoppingException)
        {
            Refusal = Refusals.Stopping; // what was committed is answered all the same
            return false;
        }

        _buffer.Filled(read);
        _total += read;
        _ended = read == 0 || _total == http.Request.ContentLength;
        if (_total > gateway.MaxRequestBytes)
            Refusal = Refusals.TooLarge(gateway.MaxRequestBytes);
        return Refusal is null;
    }

    private async ValueTask<bool> Grow(int capacity)
    {
        if (await _buffer.GrowAsync(capacity))
            return true;
        Refusal = gateway.Shed();
        return false;
    }
}
