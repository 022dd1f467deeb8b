using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Genro;

/// <summary>Takes messages in: translated, and then by the same gateway as those of this program's own contract.</summary>
internal sealed class GenroSubmission(
    SubmissionGateway gateway,
    RequestMemory memory,
    GenroBodies bodies,
    GenroCommands commands,
    GenroOptions options,
    CurrentAccounts accounts,
    IngestOptions limits
)
{
    private const string AlreadySent = "already sent";
    private const string NoAccount = "account not found for tenant";

    public async Task<IResult> AddAsync(HttpContext http)
    {
        if (gateway.Closed(http.Request) is { } closed)
            return closed;
        var wait = memory.NewWaitBudget();
        using var body = await bodies.ReadMessagesAsync(http, wait);
        if (body.Refusal is { } refusal)
            return refusal;
        var caller = Caller.Of(http);
        var reader = new GenroReader(body.Root);
        var list = reader.List("messages", required: true);
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        if (list!.Value.GetArrayLength() > limits.MaxMessages)
            return GenroRefusal.Text(400, $"Cannot enqueue more than {limits.MaxMessages} messages at once");

        var usual = MessageDraft.Priority(reader.Find("default_priority"));
        var tenant = caller.IsAdmin ? options.DefaultTenant : caller.Tenant;
        GenroMessage[] messages = [.. list.Value.EnumerateArray().Select((item, index) => GenroMessage.Read(item, index, tenant, usual))];
        if (!caller.IsAdmin && messages.Any(one => one.Tenant is { Length: > 0 } named && named != caller.Tenant))
            return GenroRefusal.Text(401, "Token not authorized for this tenant");
        return await commands.RunAsync(
            http,
            "addMessages",
            caller.IsAdmin ? messages.FirstOrDefault()?.Tenant : caller.Tenant,
            GenroCommands.Messages(body.Root),
            () => AnswerAsync(http, messages, body, wait)
        );
    }

    private async Task<IResult> AnswerAsync(HttpContext http, GenroMessage[] messages, GenroBody body, WaitBudget wait)
    {
        if (messages.Length > 0 && messages.All(static one => one.Mistakes.Count > 0))
            return GenroRefusal.Invalid(messages.SelectMany(static one => one.Mistakes));
        var reasons = new string?[messages.Length];
        for (var i = 0; i < messages.Length; i++)
            reasons[i] = messages[i].Reason ?? AccountReason(messages[i]);
        var taken = Enumerable.Range(0, messages.Length).Where(i => reasons[i] is null).GroupBy(i => messages[i].Tenant!);
        foreach (var group in taken.ToArray())
        {
            if (await SubmitAsync(http, group.Key, [.. group], messages, reasons, body, wait) is { } refusal)
                return refusal;
        }

        return Answer(messages, reasons);
    }

    private string? AccountReason(GenroMessage message) =>
        accounts.Directory.Find(message.Tenant!, message.Account) is null ? NoAccount : null;

    private async Task<IResult?> SubmitAsync(
        HttpContext http,
        string tenant,
        int[] places,
        GenroMessage[] messages,
        string?[] reasons,
        GenroBody body,
        WaitBudget wait
    )
    {
        ReadOnlyMemory<byte>[] lines = [.. places.Select(i => messages[i].Json!.Value)];
        var opened = OpenedMessages.Lines(lines, limits);
        if (!await gateway.ChargeAsync(body.Bytes!, opened.Cost + lines.Sum(static line => (long)line.Length)))
            return gateway.Shed();
        var submission = new Submission(tenant, opened.Bind().Drafts, null);
        switch (await gateway.OfferAsync(submission, wait, http.RequestAborted))
        {
            case SubmissionAnswer.Stored stored:
                for (var i = 0; i < places.Length; i++)
                    reasons[places[i]] = Reason(stored.Lines[i]);
                return null;
            case SubmissionAnswer.Unavailable:
                return gateway.StoreFailed();
            default:
                return gateway.Shed();
        }
    }

    private static string? Reason(ReceiptLine line) =>
        line.Problem is not { } problem
            ? line.State is MessageState.Sent or MessageState.PartiallySent or MessageState.Ambiguous
                ? AlreadySent
                : null
            : problem.Code switch
            {
                "already_sent" => AlreadySent,
                "sending" => "being sent",
                "unknown_account" or "account_required" => NoAccount,
                "recipient_required" => "missing to",
                _ => problem.Errors is [var first, ..]
                    ? $"invalid {first.Pointer.TrimStart('/').Replace('/', '.')}: {first.Detail}"
                    : problem.Detail,
            };

    private static IResult Answer(GenroMessage[] messages, string?[] reasons)
    {
        var rejected = new JsonArray();
        for (var i = 0; i < messages.Length; i++)
        {
            if (reasons[i] is not { } reason)
                continue;
            var one = new JsonObject { ["reason"] = reason };
            if (messages[i].Id is { } id)
                one.Insert(0, "id", id);
            rejected.Add((JsonNode)one);
        }

        var queued = messages.Length - rejected.Count;
        if (queued > 0 || reasons.All(static reason => reason is null or AlreadySent))
            return GenroAnswer.Ok(("queued", queued), ("rejected", rejected));

        // Clients that read no further than the top level find the refused there, and give up on them.
        return new GenroRefusal(400, new JsonObject { ["error"] = null, ["rejected"] = rejected.DeepClone() })
        {
            Beside = new() { ["rejected"] = rejected },
        };
    }
}
