using System.Security.Cryptography;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Api;

/// <summary><c>POST /v1/messages</c> and <c>/v1/messages/batch</c>: answered after the commit.</summary>
internal sealed class SubmitRoutes(
    SubmissionGateway gateway,
    RequestMemory memory,
    RequestSpool spool,
    IngestOptions limits,
    IdempotencyKeys keys,
    KeyLife life,
    NdjsonSubmission ndjson
)
{
    private const string Ndjson = "application/x-ndjson";

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapPost("/messages", (Delegate)PostOne)
            .WithName("submitMessage")
            .WithSummary("Queue one message")
            .WithTags("Messages")
            .Needs(KeyScopes.Send)
            .WithMetadata(TakesIdempotencyKey.Mark)
            .Accepts<MessageRequest>("application/json", Ndjson)
            .Produces<Receipt>(StatusCodes.Status202Accepted);
        v1.MapPost("/messages/batch", (Delegate)PostBatch)
            .WithName("submitBatch")
            .WithSummary("Queue up to 1,000 messages")
            .WithTags("Messages")
            .Needs(KeyScopes.Send)
            .WithMetadata(TakesIdempotencyKey.Mark)
            .Accepts<BatchRequest>("application/json", Ndjson)
            .Produces<BatchReceipt>();
    }

    private Task PostOne(HttpContext http) => MediaTypes.Is(http.Request, Ndjson) ? ndjson.AnswerAsync(http) : PostJson(http, single: true);

    private Task PostBatch(HttpContext http) =>
        MediaTypes.Is(http.Request, Ndjson) ? ndjson.AnswerAsync(http) : PostJson(http, single: false);

    private async Task PostJson(HttpContext http, bool single)
    {
        var refusal = MediaTypes.NotJson(http.Request) ?? gateway.Closed(http.Request) ?? IdempotencyKeys.Read(http.Request, out _);
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(http);
            return;
        }

        IdempotencyKeys.Read(http.Request, out var key);
        var wait = memory.NewWaitBudget();
        var fingerprint = key is null ? null : IdempotencyKeys.Fingerprint(http.Request);
        using var body = NewBody(http, wait, single ? RequestShape.Message : RequestShape.Batch, fingerprint);
        refusal = await gateway.ReadAsync(http, body) ?? life.Refusal(http);
        if (refusal is null && key is null)
        {
            refusal = await SubmitAsync(http, body, wait, single, null);
        }
        else if (refusal is null)
        {
            using var hold = keys.TryHold(Caller.Of(http).Tenant, key!);
            refusal = hold is null
                ? IdempotencyKeys.InProgress
                : await SubmitAsync(http, body, wait, single, new(key!, fingerprint!.GetHashAndReset()));
        }

        if (refusal is not null)
            await refusal.ExecuteAsync(http);
    }

    private IncomingBody NewBody(HttpContext http, WaitBudget wait, RequestShape shape, IncrementalHash? fingerprint) =>
        new(
            memory.NewBuffer(http, wait),
            spool,
            spool.NewCharge(Caller.Of(http).Tenant, wait, http.RequestAborted),
            shape,
            LongStrings.ThresholdOf(shape, http.Request.ContentLength, limits),
            fingerprint
        );

    private async ValueTask<ProblemAnswer?> SubmitAsync(HttpContext http, IncomingBody body, WaitBudget wait, bool single, RequestKey? key)
    {
        var json = body.Buffer.Bytes;
        var opened = single ? OpenedMessages.One(json, limits, body.Cut) : OpenedMessages.Batch(json, limits, body.Cut);
        if (opened.Problem is { } problem)
            return Refuse(problem);
        if (!await gateway.ChargeAsync(body.Buffer, opened.Cost))
            return gateway.Shed();
        var bound = opened.Bind();
        var drafts = bound.Drafts;
        Func<IReadOnlyList<ReceiptLine>, StoredAnswer?> render = single ? Receipts.One : lines => Receipts.Batch(lines, bound.Locate);

        // Nothing to store, and no key to look up: the store need not hear of it.
        if (key is null && drafts.All(static d => d.Problem is not null))
        {
            foreach (var draft in drafts)
                gateway.CountRefused(draft.Problem!);
            return await AnswerAsync(http, Receipts.Refused(drafts), render);
        }

        var claim = key is null ? null : new IdempotencyClaim(key.Key, key.Fingerprint, render);
        var submission = new Submission(Caller.Of(http).Tenant, drafts, claim) { Trace = RequestTrace.Of(http.Request) };
        body.HandOver(submission);
        switch (await gateway.OfferAsync(submission, wait, http.RequestAborted))
        {
            case SubmissionAnswer.Stored stored:
                return await AnswerAsync(http, stored.Lines, render);
            case SubmissionAnswer.Replayed replayed:
                http.Response.Headers[IdempotencyKeys.ReplayedHeader] = "true";
                await WriteAsync(
                    http,
                    replayed.Answer,
                    replayed.Answer.Status == StatusCodes.Status202Accepted ? IdOf(replayed.Answer) : null
                );
                return null;
            case SubmissionAnswer.KeyReused:
                return IdempotencyKeys.Reused;
            case SubmissionAnswer.Unavailable:
                return gateway.StoreFailed();
            default:
                return gateway.Shed();
        }
    }

    /// <summary>An Idempotency-Key, and which request it came with.</summary>
    private sealed record RequestKey(string Key, byte[] Fingerprint);

    private ProblemAnswer Refuse(Problem problem)
    {
        gateway.CountRefused(problem);
        return new(problem);
    }

    private static async ValueTask<ProblemAnswer?> AnswerAsync(
        HttpContext http,
        IReadOnlyList<ReceiptLine> lines,
        Func<IReadOnlyList<ReceiptLine>, StoredAnswer?> render
    )
    {
        RequestNotes.Tell(http, lines);
        if (render(lines) is not { } answer)
            return Receipts.Refusal(lines[0]);
        await WriteAsync(http, answer, answer.Status == StatusCodes.Status202Accepted ? lines[0].Id : null);
        return null;
    }

    private static async Task WriteAsync(HttpContext http, StoredAnswer answer, string? created)
    {
        var response = http.Response;
        response.StatusCode = answer.Status;
        response.ContentType = "application/json; charset=utf-8";
        if (created is not null)
            response.Headers.Location = "/v1/messages/" + created; // ids hold nothing that a path must escape
        response.ContentLength = answer.Body.Length + 1;
        await AnswerMemory.SendAsync(http, answer.Body);
        await AnswerMemory.EndLineAsync(http);
    }

    private static string? IdOf(StoredAnswer answer) => JsonSerializer.Deserialize(answer.Body, ApiJson.Plain.Receipt)?.Id;
}
