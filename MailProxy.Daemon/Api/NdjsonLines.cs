using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Cuts the body into chunks of whole lines. What a chunk has in memory and on the disk stays charged until the next one, or until it was
/// handed over.
/// </summary>
internal sealed class NdjsonLines(
    SubmissionGateway gateway,
    RequestMemory memory,
    RequestSpool spool,
    IngestOptions limits,
    ApiOptions options,
    HttpContext http
) : IDisposable
{
    /// <summary>What is read at a time.</summary>
    private const int Piece = 64 << 10;

    private readonly PacedBody _body = memory.NewBody(http);
    private readonly ChargedBuffer _piece = memory.NewBuffer(http, memory.NewWaitBudget());
    private readonly List<(int From, int To)> _lines = [];
    private IncomingBody? _chunk;
    private int _used; // bytes of the piece that are in a chunk
    private int _line; // where in the chunk the line begins that is not complete yet
    private long _total;
    private bool _ended;

    /// <summary>The lines of the chunk, without those that are empty.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Chunk { get; private set; } = [];

    /// <summary>What was cut out of them; null: nothing.</summary>
    public LongStrings? Cut => _chunk?.Cut;

    /// <summary>Why reading ended before the body did.</summary>
    public ProblemAnswer? Refusal { get; private set; }

    /// <summary>False: there are no more lines, or none may be read (<see cref="Refusal"/>).</summary>
    public async ValueTask<bool> NextAsync(int allowed)
    {
        _chunk?.Dispose();
        if (Refusal is not null)
            return false;
        _chunk = NewChunk();
        _lines.Clear();
        _line = 0;
        while (Refusal is null && _lines.Count < options.NdjsonChunkMessages && _chunk.Total < options.NdjsonChunkBytes)
        {
            if (_used < _piece.Length)
                await AddAsync(allowed);
            else if (!_ended)
                await ReadAsync();
            else
                break;
        }

        if (_ended && _used == _piece.Length)
        {
            // The last line need not end with a line feed.
            _chunk.End();
            EndLine(allowed, 0);
        }

        Chunk = _lines.ConvertAll(line => _chunk.Buffer.Bytes[line.From..line.To]);
        if (_lines.Count == 0)
            _chunk.Dispose();
        return _lines.Count > 0;
    }

    /// <summary>Charges what binding the chunk will take, until the next one; false: there is no memory for it.</summary>
    public ValueTask<bool> ChargeAsync(long cost) => gateway.ChargeAsync(_chunk!.Buffer, cost);

    /// <summary>The chunk's files are the submission's now.</summary>
    public void HandOver(Submission submission) => _chunk!.HandOver(submission);

    public void Dispose()
    {
        _chunk?.Dispose();
        _piece.Dispose();
    }

    private IncomingBody NewChunk()
    {
        var wait = memory.NewWaitBudget();
        var charge = spool.NewCharge(Caller.Of(http).Tenant, wait, http.RequestAborted);
        return new(memory.NewBuffer(http, wait), spool, charge, RequestShape.Lines, limits.SpoolThreshold, null);
    }

    // What may still come, and the byte that proves it was too much.
    private long Left => (http.Request.ContentLength ?? gateway.MaxRequestBytes + 1) - _total;

    private async ValueTask ReadAsync()
    {
        _piece.Shrink(0);
        _used = 0;
        if (_piece.Free.Length == 0 && !await _piece.GrowAsync((int)Math.Min(Piece, Left)))
        {
            Refusal = gateway.Shed();
            return;
        }

        int read;
        try
        {
            read = await _body.ReadAsync(_piece.Free);
        }
        catch (StoppingException)
        {
            Refusal = Refusals.Stopping; // what was committed is answered all the same
            return;
        }

        _piece.Filled(read);
        _total += read;
        _ended = read == 0 || _total == http.Request.ContentLength;
        if (_total > gateway.MaxRequestBytes)
            Refusal = Refusals.TooLarge(gateway.MaxRequestBytes);
    }

    // Moves what there is of a line from the piece into the chunk.
    private async ValueTask AddAsync(int allowed)
    {
        var feed = _piece.Bytes.Span[_used..].IndexOf((byte)'\n');
        var end = feed < 0 ? _piece.Length : _used + feed + 1;
        while (_used < end)
        {
            var buffer = _chunk!.Buffer;
            if (buffer.Free.Length == 0 && !await buffer.GrowAsync(SubmissionGateway.NextStep(buffer.Length, MostOf(buffer, end))))
            {
                Refusal = gateway.Shed();
                return;
            }

            var some = Math.Min(end - _used, _chunk.Free.Length);
            _piece.Bytes[_used..(_used + some)].CopyTo(_chunk.Free);
            _used += some;
            Refusal = await gateway.FilledAsync(_chunk, some);
            if (Refusal is not null)
                return;
        }

        if (feed >= 0)
            EndLine(allowed, 1);
    }

    // A chunk ends with the line that makes it large enough, so it need not have room for all that may come.
    private long MostOf(ChargedBuffer buffer, int end) => buffer.Length + (end - _used) + Left;

    private void EndLine(int allowed, int feed)
    {
        var end = _chunk!.Buffer.Length;
        var isEmpty = _chunk.Buffer.Bytes.Span[_line..end].Trim(" \t\r\n"u8).Length == 0;
        if (!isEmpty && _lines.Count >= allowed)
        {
            Refusal = ProblemAnswer.Of(413, "too_many_messages", "A request carries no more messages than this.");
            return;
        }

        if (!isEmpty)
            _lines.Add((_line, end - feed));
        _line = end;
        _chunk.EndLine();
    }
}
