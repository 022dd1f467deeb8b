using System.Buffers;
using System.Text.Json;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>
/// NDJSON: one message a line, committed in chunks while the body is still coming; the results are written after it was read. What was
/// committed stays so, whatever becomes of the rest.
/// </summary>
internal sealed class NdjsonSubmission(
    SubmissionGateway gateway,
    RequestMemory memory,
    RequestSpool spool,
    KeyLife keys,
    IngestOptions limits,
    IOptions<ApiOptions> options
)
{
    private const string MediaType = "application/x-ndjson";

    public async Task AnswerAsync(HttpContext http)
    {
        var refusal =
            MediaTypes.Not(http.Request, MediaType)
            ?? (http.Request.Headers.ContainsKey(IdempotencyKeys.Header) ? IdempotencyKeys.NotForNdjson : null)
            ?? gateway.Closed(http.Request);
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(http);
            return;
        }

        var results = new Results();
        using var lines = new NdjsonLines(gateway, memory, spool, limits, options.Value, http);
        ProblemAnswer? over = null;
        while (over is null && await lines.NextAsync(limits.MaxMessages - results.Count))
        {
            over = keys.Refusal(http);
            if (over is null)
                await StoreAsync(http, lines, results);
        }

        if ((over ?? lines.Refusal) is { } end)
        {
            if (results.Count == 0)
            {
                await end.ExecuteAsync(http);
                return;
            }

            results.Add(
                new(null, default, 0, end.Problem with { Detail = end.Problem.Detail + " This line and all after it were not taken." })
            );
        }

        http.Response.ContentType = MediaType;
        http.Response.ContentLength = results.Written.Length;
        await AnswerMemory.SendAsync(http, results.Written);
    }

    private async ValueTask StoreAsync(HttpContext http, NdjsonLines lines, Results results)
    {
        var opened = OpenedMessages.Lines(lines.Chunk, limits, lines.Cut);
        if (!await lines.ChargeAsync(opened.Cost))
        {
            var refused = gateway.Shed();
            foreach (var _ in lines.Chunk)
                results.Add(new(null, default, 0, refused.Problem));
            return;
        }

        var drafts = opened.Bind().Drafts;
        SubmissionAnswer? answer;
        if (drafts.All(static d => d.Problem is not null))
        {
            foreach (var draft in drafts)
                gateway.CountRefused(draft.Problem!);
            answer = new SubmissionAnswer.Stored(Receipts.Refused(drafts));
        }
        else
        {
            var submission = new Submission(Caller.Of(http).Tenant, drafts, null) { Trace = RequestTrace.Of(http.Request) };
            lines.HandOver(submission);
            answer = await gateway.OfferAsync(submission, memory.NewWaitBudget(), http.RequestAborted);
        }

        if (answer is SubmissionAnswer.Stored stored)
        {
            RequestNotes.Tell(http, stored.Lines);
            foreach (var line in stored.Lines)
                results.Add(line);
            return;
        }

        var shed = answer is null ? gateway.Shed() : gateway.StoreFailed();
        foreach (var draft in drafts)
            results.Add(new(draft.Mail?.Id, default, 0, draft.Problem ?? shed.Problem));
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
                JsonSerializer.Serialize(json, Receipts.Item(Count++, line, OfLine), ApiJson.Plain.ReceiptItem);
            }

            _written.Write("\n"u8);
        }
    }
}
