using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>SMTP accounts as genro-mail-proxy has them.</summary>
internal sealed class GenroAccounts(
    ConfigurationWriter<SmtpAccount> writer,
    CurrentAccounts accounts,
    CurrentTenants tenants,
    DispatcherControl dispatcher,
    ICompatStore store,
    Quotas quotas,
    Wake wake,
    MessageChanges changes,
    TimeProvider clock
)
{
    /// <summary>The kind of the documents that keep what is only shown again, by the number of their account.</summary>
    public const string Kind = "account";

    private const int Tries = 10,
        Some = 500;

    private static readonly GenroRefusal NotFound = GenroRefusal.Text(400, "account not found or not owned by tenant");
    private static readonly GenroRefusal StillSending = GenroRefusal.Text(
        409,
        "mail of the account is being sent, or a pool needs it; try again"
    ) with
    {
        RetryAfter = 5,
    };

    /// <summary>Makes or replaces one. What is absent is null afterwards.</summary>
    public async Task<IResult> PutAsync(HttpContext http, Caller caller, GenroReader reader, GenroForm form)
    {
        var id = reader.Text("id", required: true, least: 1);
        var (request, kept) = AccountDocument.Read(reader, form);
        if (id is { Length: > 0 } && !IdSyntax.IsObjectId(id))
            reader.Fault("id", "value_error", $"An id is {IdSyntax.ObjectRule}");
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        if (tenants.Directory.Find(caller.Tenant) is null)
            return GenroRefusal.Text(404, "tenant not found");

        using var json = JsonDocument.Parse(request.ToJsonString());
        GenroRefusal? refused = null;
        ValueTask<SmtpAccount?> Decide(Resource<SmtpAccount>? before)
        {
            var members = new MemberReader(json.RootElement, caller.IsAdmin);
            var value = AccountFields.Noun.Fields.Bind(members, AccountFields.Noun.New(caller.Tenant, id!), before?.Value);
            refused =
                members.Refusal is { } mistakes ? GenroRefusal.Of(mistakes)
                : before is null ? RefusalOfNew(caller)
                : null;
            return new(refused is null ? value : null);
        }

        var written = await writer.PutAsync(caller.Tenant, id!, static _ => true, Decide, caller.Actor, http.RequestAborted);
        if (refused is not null)
            return refused;
        if (written.After?.Value is { } account)
        {
            await store.KeepAsync(caller.Tenant, Kind, AccountDocument.Number(account), kept.ToJsonString());
            dispatcher.ResetCircuit(account, "resume");
        }

        wake.Look();
        return GenroAnswer.Ok();
    }

    public async Task<GenroAnswer> ListAsync(Caller caller, GenroForm form)
    {
        var kept = await store.DocumentsAsync(caller.Tenant, Kind);
        var times = await store.AccountTimesAsync(caller.Tenant);
        var list = new JsonArray();
        foreach (var account in accounts.Directory.OfTenant(caller.Tenant).OrderBy(static one => one.Id, StringComparer.Ordinal))
        {
            if (!account.Sandbox)
                list.Add(
                    (JsonNode)
                        AccountDocument.Show(
                            account,
                            kept.GetValueOrDefault(AccountDocument.Number(account)),
                            times.GetValueOrDefault(account.Id),
                            form
                        )
                );
        }

        return form.IsBare ? new(list) : GenroAnswer.Ok(("accounts", list));
    }

    /// <summary>One of a tenant's; null: there is none.</summary>
    public async Task<JsonObject?> FindAsync(string tenant, string id, GenroForm form)
    {
        if (accounts.Directory.Find(tenant, id) is not { Sandbox: false } account)
            return null;
        var kept = await store.DocumentAsync(tenant, Kind, AccountDocument.Number(account));
        return AccountDocument.Show(account, kept, (await store.AccountTimesAsync(tenant)).GetValueOrDefault(id), form);
    }

    /// <summary>Deletes one. Its mail that waits fails, and is reported.</summary>
    public async Task<IResult> DeleteAsync(HttpContext http, Caller caller, string id)
    {
        if (accounts.Directory.Find(caller.Tenant, id) is not { Sandbox: false } account)
            return NotFound;
        await SetPausedAsync(caller, id, paused: true, http.RequestAborted);
        var ended = DeleteResult.InUse;
        try
        {
            for (var attempt = 0; ended == DeleteResult.InUse && attempt <= Tries; attempt++)
            {
                if (attempt > 0)
                    await Task.Delay(TimeSpan.FromSeconds(attempt == 1 ? 0.1 : 1), clock, http.RequestAborted);
                await CancelWaitingAsync(account, caller);
                ended = await writer.DeleteAsync(caller.Tenant, id, static _ => true, static _ => true, caller.Actor, http.RequestAborted);
            }
        }
        finally
        {
            // Also when the client has gone meanwhile: what is not deleted sends as before.
            if (ended == DeleteResult.InUse)
                await SetPausedAsync(caller, id, account.Paused, CancellationToken.None);
        }

        if (ended == DeleteResult.InUse)
            return StillSending;
        if (ended != DeleteResult.Deleted)
            return NotFound;
        await store.KeepAsync(caller.Tenant, Kind, AccountDocument.Number(account), null);
        wake.Look();
        return GenroAnswer.Ok();
    }

    private async Task CancelWaitingAsync(SmtpAccount account, Caller caller)
    {
        for (long? after = 0; after is { } last; )
        {
            var some = await store.WaitingAsync(account.Key, last, Some);
            foreach (var (_, waiting) in some)
                await changes.MakeAsync(new(caller.Tenant, waiting), new MessageChange.Cancel(), caller.Actor);
            after = some.Count == 0 ? null : some[^1].Number;
        }
    }

    private async Task SetPausedAsync(Caller caller, string id, bool paused, CancellationToken cancel)
    {
        await writer.PutAsync(
            caller.Tenant,
            id,
            static _ => true,
            before =>
                new(
                    before?.Value is not { } account ? null
                    : account.Paused == paused ? account
                    : account with { Paused = paused }
                ),
            caller.Actor,
            cancel
        );
        wake.Look();
    }

    private GenroRefusal? RefusalOfNew(Caller caller)
    {
        var there = accounts.Directory.OfTenant(caller.Tenant).Count;
        var full = Quotas.Refusal(caller, there, quotas.Options.MaxAccounts, "accounts", nameof(TenantOptions.MaxAccounts));
        return full is null ? null : GenroRefusal.Of(full);
    }
}
