using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Messages in version C.</summary>
internal sealed class GeneratedMessages(GenroSubmission submission, GenroMessages messages, ICompatStore store, ReadTurns turns)
{
    private const string Entity = "messages/";
    private const long UsualAge = 86_400;

    private static readonly GeneratedParameter[] Members =
    [
        GeneratedRoute.Text("id", required: true),
        GeneratedRoute.Tenant,
        GeneratedRoute.Text("account_id", required: true),
        GeneratedRoute.Text("from_addr", required: true),
        new("to", GeneratedKind.Texts, Required: true),
        GeneratedRoute.Text("subject", required: true),
        GeneratedRoute.Text("body", required: true),
        new("cc", GeneratedKind.Texts),
        new("bcc", GeneratedKind.Texts),
        GeneratedRoute.Text("reply_to"),
        GeneratedRoute.Text("return_path"),
        GeneratedRoute.Text("content_type") with
        {
            Choices = ["plain", "html"],
        },
        GeneratedRoute.Text("message_id"),
        GeneratedRoute.Whole("priority"),
        GeneratedRoute.Whole("deferred_ts"),
        GeneratedRoute.Text("batch_code"),
        new("attachments", GeneratedKind.Objects),
        GeneratedRoute.Object("headers"),
    ];

    private static readonly GeneratedParameter[] BatchMembers =
    [
        new("messages", GeneratedKind.Objects, Required: true),
        GeneratedRoute.Whole("default_priority"),
    ];

    public IEnumerable<GeneratedRoute> Routes =>
        [
            Post("add", "Queue a message", Add) with
            {
                Parameters = Members,
                ReadsBody = true,
            },
            Post("add_batch", "Queue messages", AddBatch) with
            {
                Parameters = BatchMembers,
                ReadsBody = true,
            },
            Post("delete", "Remove a message", Delete) with
            {
                Parameters = [GeneratedRoute.Text("message_pk", required: true)],
                Who = GenroWho.AnyToken,
                Command = "deleteMessages",
            },
            Post("delete_batch", "Remove messages", DeleteBatch) with
            {
                Parameters = [GeneratedRoute.Tenant, new("ids", GeneratedKind.Texts, Required: true)],
                Command = "deleteMessages",
            },
            GeneratedRoute.Get(
                Entity + "get",
                "One message",
                GenroWho.Tenant,
                Get,
                GeneratedRoute.Text("message_id", required: true),
                GeneratedRoute.Tenant
            ),
            GeneratedRoute.Get(
                Entity + "list",
                "All messages, or those of a tenant",
                GenroWho.AnyToken,
                List,
                GeneratedRoute.Tenant,
                GeneratedRoute.Flag("active_only"),
                GeneratedRoute.Flag("include_history")
            ),
            GeneratedRoute.Get(Entity + "count_active", "How many wait", GenroWho.AnyToken, CountActive),
            GeneratedRoute.Get(
                Entity + "count_pending_for_tenant",
                "How many of a tenant wait",
                GenroWho.Tenant,
                CountPending,
                GeneratedRoute.Tenant,
                GeneratedRoute.Text("batch_code")
            ),
            GeneratedRoute.Get(
                Entity + "cleanup",
                "List no more what was reported",
                GenroWho.Tenant,
                Cleanup,
                GeneratedRoute.Tenant,
                GeneratedRoute.Whole("older_than_seconds")
            ) with
            {
                Scope = KeyScopes.Send,
                Command = "cleanupMessages",
            },
        ];

    private static GeneratedRoute Post(string method, string summary, Func<GeneratedCall, Task<IResult>> run) =>
        GeneratedRoute.Post(Entity + method, summary, GenroWho.Tenant, KeyScopes.Send, run);

    private Task<IResult> Add(GeneratedCall call) => submission.AddOneAsync(call.Http, Members);

    private Task<IResult> AddBatch(GeneratedCall call) => submission.AddAsync(call.Http, GenroForm.C, BatchMembers);

    // Whether another tenant has such a message nobody is told.
    private async Task<IResult> Delete(GeneratedCall call)
    {
        var key =
            GeneratedCall.Number(call.Text("message_pk")) is { } number && await store.MessageAsync(number, null) is { } message
                ? message.View.Key
                : (MessageKey?)null;
        if (key is not { } found || (!call.Caller.IsAdmin && found.Tenant != call.Caller.Tenant))
            return new GenroAnswer(false);
        var ends = await store.RemoveAsync(found.Tenant, [found.Id], call.Caller.Actor);
        return new GenroAnswer(ends[0] == CompatRemoval.Removed);
    }

    private Task<IResult> DeleteBatch(GeneratedCall call) => messages.DeleteAsync(call.Caller, call.Body, GenroForm.C);

    private async Task<IResult> Get(GeneratedCall call)
    {
        var id = call.Text("message_id")!;
        return await messages.ShowAsync(new(call.Caller.Tenant, id), GenroForm.C) is { } shown
            ? new GenroAnswer(shown)
            : GenroRefusal.Text(404, $"Message '{id}' not found");
    }

    private Task<IResult> List(GeneratedCall call)
    {
        var tenant = call.Caller.IsAdmin ? call.Text(GeneratedRoute.TenantName) : call.Caller.Tenant;
        var (active, history) = (call.Flag("active_only"), call.Flag("include_history"));
        return Task.FromResult<IResult>(new GenroStream(http => messages.ListAsync(http, tenant, active, history, GenroForm.C)));
    }

    private Task<IResult> CountActive(GeneratedCall call) => CountAsync(call, call.Caller.IsAdmin ? null : call.Caller.Tenant, null);

    private Task<IResult> CountPending(GeneratedCall call) =>
        CountAsync(call, call.Caller.Tenant, call.Text("batch_code") is { } code ? GenroBatches.NameOf(code) : null);

    private async Task<IResult> CountAsync(GeneratedCall call, string? tenant, string? batch) =>
        new GenroAnswer(await turns.RunAsync(call.Http, () => store.CountPendingAsync(tenant, batch)));

    private Task<IResult> Cleanup(GeneratedCall call) =>
        messages.HideAsync(call.Http, Math.Max(0, call.Whole("older_than_seconds") ?? UsualAge));
}
