using System.Buffers;
using System.Text.Json;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Ingest;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>NDJSON: one message a line, committed in chunks while the body is still coming; the results are written after it was read. What was committed stays so, whatever becomes of the rest.</summary>
internal sealed class NdjsonSubmission(SubmissionDoor door, IngestOptions limits, IOptions<ApiOptions> options)
{
    private const string MediaType = "application/x-ndjson";

    public async Task AnswerAsync(HttpContext http)
    {
        var refusal = MediaTypes.Not(http.Request, MediaType)
            ?? (http.Request.Headers.ContainsKey(IdempotencyKeys.Header) ? IdempotencyKeys.NotForNdjson : null)
            ?? door.Closed(http.Request);
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(http);
            return;
        }

        var results = new Results();
        var lines = new Lines(door, options.Value, http);
        try
        {
            while (await lines.NextAsync(limits.MaxMessages - results.Count))
            {
                await StoreAsync(http, lines, results);
            }

            if (lines.Refusal is { } end)
            {
                if (results.Count == 0)
                {
                    await end.ExecuteAsync(http);
                    return;
                }

                results.Add(new(null, default, 0, end.Problem with { Detail = end.Problem.Detail + " This line and all after it were not read." }));
            }
        }
        finally
        {
            lines.Dispose();
        }

        http.Response.ContentType = MediaType;
        http.Response.ContentLength = results.Written.Length;
        await http.Response.BodyWriter.WriteAsync(results.Written);
    }

    private async ValueTask StoreAsync(HttpContext http, Lines lines, Results results)
    {
        var drafts = new Draft[lines.Chunk.Count];
        for (var i = 0; i < drafts.Length; i++) drafts[i] = DraftBinder.BindOne(lines.Chunk[i]);

        var submission = new Submission(Caller.Of(http).Tenant, drafts, lines.ChunkBytes, null);
        var answer = drafts.All(static d => d.Problem is not null)
            ? new SubmissionAnswer.Stored(Receipts.Refused(drafts))
            : await door.OfferAsync(submission, door.NewPatience(), http.RequestAborted);
        if (answer is SubmissionAnswer.Stored stored)
        {
            foreach (var line in stored.Lines) results.Add(line);
            return;
        }

        var shed = answer is null ? door.Shed() : door.StoreFailed();
        foreach (var draft in drafts) results.Add(new(draft.Mail?.Id, default, 0, draft.Problem ?? shed.Problem));
    }

    /// <summary>The result lines so far. Bounded by the number of messages a request may carry.</summary>
    private sealed class Results
    {
        private readonly ArrayBufferWriter<byte> _written = new();

        public int Count { get; private set; }

        public ReadOnlyMemory<byte> Written => _written.WrittenMemory;

        // Each line is a document of its own.
        private static string OfLine(int index, string pointer) => pointer;

        public void Add(ReceiptLine line)
        {
            using (var json = new Utf8JsonWriter(_written))
            {
                JsonSerializer.Serialize(json, Receipts.Item(Count++, line, OfLine), ApiJson.Default.ReceiptItem);
            }

            _written.Write("\n"u8);
        }
    }

    /// <summary>Cuts the body into chunks of whole lines. The bytes of a chunk stay charged until the next one.</summary>
    private sealed class Lines(SubmissionDoor door, ApiOptions options, HttpContext http) : IDisposable
    {
        private ChargedBuffer _buffer = door.NewBuffer(door.NewPatience(), http.RequestAborted);
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
            if (Refusal is not null || !await MoveRestAsync()) return false;

            var searched = 0;
            while (true)
            {
                searched = Cut(searched, allowed);
                if (Refusal is not null || Chunk.Count >= options.NdjsonChunkMessages || ChunkBytes >= options.NdjsonChunkBytes) break;
                if (_ended)
                {
                    // The last line need not end with a line feed.
                    if (_used < _buffer.Length) Take(_buffer.Length, _buffer.Length, allowed);
                    break;
                }

                if (!await ReadAsync()) break;
            }

            return Chunk.Count > 0;
        }

        public void Dispose() => _buffer.Dispose();

        // The unread rest starts a buffer of its own, so that the chunk's charge can end with the chunk.
        private async ValueTask<bool> MoveRestAsync()
        {
            if (_used == 0) return true;
            var rest = _buffer.Bytes[_used..];
            var next = door.NewBuffer(door.NewPatience(), http.RequestAborted);
            _buffer.Dispose();
            _buffer = next;
            _used = 0;
            if (rest.Length == 0) return true;
            if (!await Grow(rest.Length)) return false;
            rest.CopyTo(next.Room);
            next.Filled(rest.Length);
            return true;
        }

        private int Cut(int searched, int allowed)
        {
            while (Refusal is null && Chunk.Count < options.NdjsonChunkMessages && ChunkBytes < options.NdjsonChunkBytes)
            {
                var found = _buffer.Bytes.Span[searched..].IndexOf((byte)'\n');
                if (found < 0) return _buffer.Length;
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
            if (_buffer.Room.Length == 0 && !await Grow(door.NextStep(_buffer.Length))) return false;
            var read = await http.Request.Body.ReadAsync(_buffer.Room, http.RequestAborted);
            _buffer.Filled(read);
            _total += read;
            _ended = read == 0;
            if (_total > door.MaxRequestBytes) Refusal = Refusals.TooLarge(door.MaxRequestBytes);
            return Refusal is null;
        }

        private async ValueTask<bool> Grow(int capacity)
        {
            if (await _buffer.GrowAsync(capacity)) return true;
            Refusal = door.Shed();
            return false;
        }
    }
}
