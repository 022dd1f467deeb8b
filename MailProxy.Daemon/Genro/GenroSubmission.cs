using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Takes messages in: translated, and then by the same gateway as those of this program's own contract.</summary>
internal sealed class GenroSubmission(
    SubmissionGateway gateway,
    RequestMemory memory,
    GenroBodies bodies,
    GenroCommands commands,
    GenroOptions options,
    GenroForms forms,
    GenroVolumes volumes,
    CurrentAccounts accounts,
    ICompatStore store,
    IngestOptions limits
)
{
    private const string AlreadySent = "already sent";
    private const string Command = "addMessages";

    private static readonly GenroRefusal OtherTenant = GenroRefusal.Text(401, "Token not authorized for this tenant");

    /// <summary>Several, in the form that the request says.</summary>
    public Task<IResult> AddAsync(HttpContext http) => AddAsync(http, form: null, []);

    /// <param name="form">Null: as the request says.</param>
    /// <param name="members">What members of the request must be.</param>
    public async Task<IResult> AddAsync(HttpContext http, GenroForm? form, IReadOnlyList<GeneratedParameter> members)
    {
        if (gateway.Closed(http.Request) is { } closed)
            return closed;
        var wait = memory.NewWaitBudget();
        using var body = await bodies.ReadMessagesAsync(http, wait);
        if (body.Refusal is { } refusal)
            return refusal;
        var caller = Caller.Of(http);
        var reader = new GenroReader(body.Root);
        foreach (var member in members)
            member.Check(reader);
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        var list = reader.List("messages", required: true);
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        if (list!.Value.GetArrayLength() > limits.MaxMessages)
            return GenroRefusal.Text(400, $"Cannot enqueue more than {limits.MaxMessages} messages at once");

        form ??= forms.Of(caller, forms.Differ && list.Value.EnumerateArray().Any(NamesTenant));
        var usual = MessageDraft.Priority(reader.Find("default_priority"));
        var tenant = Usual(caller, form);
        GenroMessage[] messages =
        [
            .. list
                .Value.EnumerateArray()
                .Select((item, index) => GenroMessage.Read(item, index, tenant, usual, form, volumes.StoragesOf(form))),
        ];
        if (!caller.IsAdmin && messages.Any(one => one.Tenant is { Length: > 0 } named && named != caller.Tenant))
            return OtherTenant;
        return await commands.RunNotedAsync(
            http,
            Command,
            caller.IsAdmin ? messages.FirstOrDefault()?.Tenant : caller.Tenant,
            () => SubmittedText.OfMany(body.Root),
            () => AnswerAsync(http, messages, body, wait, form)
        );
    }

    /// <summary>One, which is the whole body.</summary>
    /// <param name="members">What they must be.</param>
    public async Task<IResult> AddOneAsync(HttpContext http, IReadOnlyList<GeneratedParameter> members)
    {
        if (gateway.Closed(http.Request) is { } closed)
            return closed;
        var wait = memory.NewWaitBudget();
        using var body = await bodies.ReadMessagesAsync(http, wait);
        if (body.Refusal is { } refusal)
            return refusal;
        var reader = new GenroReader(body.Root);
        foreach (var member in members)
            member.Check(reader);
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        var caller = Caller.Of(http);
        var form = GenroForm.OneOfC;
        var message = GenroMessage.Read(reader, ["body"], Usual(caller, form), usual: null, form, volumes.StoragesOf(form));
        if (!caller.IsAdmin && message.Tenant is { Length: > 0 } named && named != caller.Tenant)
            return OtherTenant;
        return await commands.RunNotedAsync(http, Command, message.Tenant, () => SubmittedText.OfOne(body.Root), TakeAsync);

        async Task<IResult> TakeAsync()
        {
            if (message.Mistakes.Count > 0)
                return GenroRefusal.Invalid(message.Mistakes);
            var reasons = new string?[1];
            if (await TakeAllAsync(http, [message], reasons, body, wait, form) is { } busy)
                return busy;
            if (reasons[0] is { } reason)
                return GenroRefusal.Text(400, reason);
            var number = await store.NumberAsync(message.Tenant!, message.Id!);
            return new GenroAnswer(new JsonObject { ["id"] = message.Id, ["pk"] = number?.ToString() });
        }
    }

    private string? Usual(Caller caller, GenroForm form) =>
        !caller.IsAdmin ? caller.Tenant
        : form.NamesTenants ? options.DefaultTenant
        : options.DefaultTenant ?? "";

    private static bool NamesTenant(JsonElement message) =>
        message.ValueKind == JsonValueKind.Object
        && message.TryGetProperty("tenant_id", out var tenant)
        && tenant.ValueKind != JsonValueKind.Null;

    private async Task<IResult> AnswerAsync(HttpContext http, GenroMessage[] messages, GenroBody body, WaitBudget wait, GenroForm form)
    {
        if (!form.TakesAnyBatch && messages.Length > 0 && messages.All(static one => one.Mistakes.Count > 0))
            return GenroRefusal.Invalid(messages.SelectMany(static one => one.Mistakes));
        var reasons = new string?[messages.Length];
        return await TakeAllAsync(http, messages, reasons, body, wait, form) ?? Answer(messages, reasons, form);
    }

    /// <summary>Takes those that may be taken, tenant by tenant, and says of the others why not.</summary>
    private async Task<IResult?> TakeAllAsync(
        HttpContext http,
        GenroMessage[] messages,
        string?[] reasons,
        GenroBody body,
        WaitBudget wait,
        GenroForm form
    )
    {
        for (var i = 0; i < messages.Length; i++)
            reasons[i] = messages[i].Reason ?? AccountReason(messages[i], form) ?? await volumes.ReasonAsync(messages[i]);
        var taken = Enumerable.Range(0, messages.Length).Where(i => reasons[i] is null).GroupBy(i => messages[i].Tenant!);
        foreach (var group in taken.ToArray())
        {
            if (await SubmitAsync(http, group.Key, [.. group], messages, reasons, body, wait, form) is { } refusal)
                return refusal;
        }

        return null;
    }

    private string? AccountReason(GenroMessage message, GenroForm form) =>
        accounts.Directory.Find(message.Tenant!, message.Account) is null ? form.NoAccount : null;

    private async Task<IResult?> SubmitAsync(
        HttpContext http,
        string tenant,
        int[] places,
        GenroMessage[] messages,
        string?[] reasons,
        GenroBody body,
        WaitBudget wait,
        GenroForm form
    )
    {
        ReadOnlyMemory<byte>[] lines = [.. places.Select(i => messages[i].Json!.Value)];
        var opened = OpenedMessages.Lines(lines, limits);
        if (!await gateway.ChargeAsync(body.Bytes!, opened.Cost + lines.Sum(static line => (long)line.Length)))
            return gateway.Shed();
        var submission = new Submission(tenant, opened.Bind().Drafts, null) { Trace = RequestTrace.Of(http.Request) };
        switch (await gateway.OfferAsync(submission, wait, http.RequestAborted))
        {
            case SubmissionAnswer.Stored stored:
                for (var i = 0; i < places.Length; i++)
                    reasons[places[i]] = Reason(stored.Lines[i], form);
                return null;
            case SubmissionAnswer.Unavailable:
                return gateway.StoreFailed();
            default:
                return gateway.Shed();
        }
    }

    private static string? Reason(ReceiptLine line, GenroForm form) =>
        line.Problem is not { } problem
            ? line.State is MessageState.Sent or MessageState.PartiallySent or MessageState.Ambiguous
                ? AlreadySent
                : null
            : problem.Code switch
            {
                "already_sent" => AlreadySent,
                "sending" => "being sent",
                "unknown_account" or "account_required" => form.NoAccount,
                "recipient_required" => form.Missing("to"),
                _ => problem.Errors is [var first, ..]
                    ? $"invalid {first.Pointer.TrimStart('/').Replace('/', '.')}: {first.Detail}"
                    : problem.Detail,
            };

    private static IResult Answer(GenroMessage[] messages, string?[] reasons, GenroForm form)
    {
        var rejected = new JsonArray();
        for (var i = 0; i < messages.Length; i++)
        {
            if (reasons[i] is not { } reason)
                continue;
            var one = new JsonObject { ["reason"] = reason };
            if (messages[i].Id is { } id)
                one.Insert(0, "id", id);
            else if (form.IsBare)
                one.Insert(0, "id", null);
            rejected.Add((JsonNode)one);
        }

        var queued = messages.Length - rejected.Count;
        if (queued > 0 || form.TakesAnyBatch || reasons.All(static reason => reason is null or AlreadySent))
            return GenroAnswer.Ok(("queued", queued), ("rejected", rejected));

        // Clients that read no further than the top level find the refused there, and give up on them.
        return new GenroRefusal(400, new JsonObject { ["error"] = form.AllRefused, ["rejected"] = rejected.DeepClone() })
        {
            Beside = new() { ["rejected"] = rejected },
        };
    }
}
