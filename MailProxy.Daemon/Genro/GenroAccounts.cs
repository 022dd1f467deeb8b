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
    Wake wake
)
{
    /// <summary>The kind of the documents that keep what is only shown again, by the number of their account.</summary>
    public const string Kind = "account";

    private const int Tries = 10;

    // What is only kept and shown again.
    private const int MostMembers = 100,
        LongestEcho = 1_000;

    /// <summary>How long its mail lasts: genro-mail-proxy knows no end.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromDays(365);

    /// <summary>When it tries again.</summary>
    public static readonly RetrySchedule Retry = new([1, 5, 15, 60, 120]);

    private static readonly GenroRefusal NotFound = GenroRefusal.Text(400, "account not found or not owned by tenant");

    /// <summary>Makes or replaces one. What is absent is null afterwards.</summary>
    public async Task<IResult> PutAsync(HttpContext http, Caller caller, GenroReader reader)
    {
        var id = reader.Text("id", required: true, least: 1);
        var (request, kept) = Read(reader);
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
            await store.KeepAsync(caller.Tenant, Kind, Number(account), kept.ToJsonString());
            dispatcher.ResetCircuit(account, "resume");
        }

        wake.Look();
        return GenroAnswer.Ok();
    }

    public async Task<GenroAnswer> ListAsync(Caller caller)
    {
        var kept = await store.DocumentsAsync(caller.Tenant, Kind);
        var times = await store.AccountTimesAsync(caller.Tenant);
        var list = new JsonArray();
        foreach (var account in accounts.Directory.OfTenant(caller.Tenant).OrderBy(static one => one.Id, StringComparer.Ordinal))
        {
            if (!account.Sandbox)
                list.Add((JsonNode)Show(account, kept.GetValueOrDefault(Number(account)), times.GetValueOrDefault(account.Id)));
        }

        return GenroAnswer.Ok(("accounts", list));
    }

    /// <summary>Deletes one. Its mail that waits fails, and is reported.</summary>
    public async Task<IResult> DeleteAsync(HttpContext http, Caller caller, string id, MessageChanges changes, TimeProvider clock)
    {
        if (accounts.Directory.Find(caller.Tenant, id) is not { Sandbox: false } account)
            return NotFound;
        await SetPausedAsync(caller, id, paused: true, http.RequestAborted);
        for (var attempt = 0; ; attempt++)
        {
            foreach (var waiting in await store.WaitingAsync(account.Key))
                await changes.MakeAsync(new(caller.Tenant, waiting), new MessageChange.Cancel(), caller.Actor);
            switch (await writer.DeleteAsync(caller.Tenant, id, static _ => true, static _ => true, caller.Actor, http.RequestAborted))
            {
                case DeleteResult.Deleted:
                    await store.KeepAsync(caller.Tenant, Kind, Number(account), null);
                    wake.Look();
                    return GenroAnswer.Ok();
                case DeleteResult.InUse when attempt < Tries:
                    await Task.Delay(TimeSpan.FromSeconds(attempt == 0 ? 0.1 : 1), clock, http.RequestAborted);
                    break;
                case DeleteResult.InUse:
                    await SetPausedAsync(caller, id, account.Paused, CancellationToken.None);
                    return GenroRefusal.Text(409, "mail of the account is being sent, or a pool needs it; try again") with
                    {
                        RetryAfter = 5,
                    };
                default:
                    return NotFound;
            }
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

    /// <summary>The account as this program's own contract has it, and what is kept of the rest.</summary>
    public static (JsonObject Request, JsonObject Kept) Read(GenroReader reader)
    {
        var kept = new JsonObject();
        var port = reader.Whole("port", required: true);
        if (port is < 1 or > 65_535)
            reader.Fault("port", "value_error", "Input should be from 1 to 65535");
        var useTls = reader.Flag("use_tls");
        var request = new JsonObject
        {
            ["host"] = reader.Text("host", required: true, least: 1, most: 253),
            ["port"] = port,
            ["security"] = Security(useTls, port),
            ["limits"] = Limits(reader, kept),
            ["expires_after"] = (int)Lasts.TotalSeconds,
            ["retry_minutes"] = new JsonArray([.. Retry.Minutes.Select(static one => (JsonNode)one)]),
        };
        var (user, password) = (reader.Text("user", most: 512), reader.Text("password", most: 4_096));
        if (user is { Length: > 0 } && password is { Length: > 0 })
            request["auth"] = new JsonObject { ["user"] = user, ["password"] = password };
        Keep(kept, "user", user);
        Keep(kept, "use_tls", useTls);
        Keep(kept, "ttl", reader.Whole("ttl") ?? 300);
        Keep(kept, "batch_size", reader.Whole("batch_size"));
        Keep(kept, "is_pec_account", reader.Flag("is_pec_account"));
        foreach (var member in reader.Root.EnumerateObject().Take(MostMembers))
        {
            if (member.Value.GetRawText().Length > LongestEcho)
                continue;
            if (
                member.Name.StartsWith("imap_", StringComparison.Ordinal)
                && member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
            )
                kept[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        }

        return (request, kept);
    }

    private static string Security(bool? useTls, long? port) =>
        (useTls, port) switch
        {
            (false, _) => "none",
            (_, 465) => "tls",
            (true, _) => "starttls",
            _ => "none",
        };

    private static JsonObject Limits(GenroReader reader, JsonObject kept)
    {
        var limits = new JsonObject { ["count"] = "messages", ["paced"] = false };
        foreach (var time in new[] { "minute", "hour", "day" })
        {
            var limit = reader.Whole("limit_per_" + time);
            Keep(kept, "limit_per_" + time, limit);
            if (limit > 0)
                limits["per_" + time] = Math.Min(limit.Value, 1_000_000_000);
        }

        var behavior = reader.Choice("limit_behavior", "defer", "reject") ?? "defer";
        kept["limit_behavior"] = behavior;
        limits["when_reached"] = behavior == "reject" ? "fail" : "wait";
        return limits;
    }

    private static JsonObject Show(SmtpAccount account, string? kept, (long CreatedAt, long UpdatedAt) times)
    {
        var shown = new JsonObject
        {
            ["id"] = account.Id,
            ["tenant_id"] = account.Tenant,
            ["host"] = account.Host,
            ["port"] = account.Port,
        };
        var echo = kept is null ? Echo(account) : (JsonObject)JsonNode.Parse(kept)!;
        foreach (var (name, value) in echo)
        {
            if (value is not null && !name.Contains("password", StringComparison.Ordinal))
                shown[name] = value.DeepClone();
        }

        shown["created_at"] = GenroTimes.Iso(times.CreatedAt);
        shown["updated_at"] = GenroTimes.Iso(times.UpdatedAt);
        return shown;
    }

    // One that was made by this program's own API.
    private static JsonObject Echo(SmtpAccount account)
    {
        var echo = new JsonObject { ["ttl"] = 300, ["use_tls"] = account.Security != SmtpSecurity.None };
        Keep(echo, "user", account.User);
        Keep(echo, "limit_per_minute", account.Limits.PerMinute);
        Keep(echo, "limit_per_hour", account.Limits.PerHour);
        Keep(echo, "limit_per_day", account.Limits.PerDay);
        echo["limit_behavior"] = account.Limits.WhenReached == LimitReached.Fail ? "reject" : "defer";
        return echo;
    }

    private static void Keep(JsonObject kept, string name, JsonNode? value)
    {
        if (value is not null)
            kept[name] = value;
    }

    /// <summary>The name of an account's document.</summary>
    public static string Number(SmtpAccount account) => account.Key.Number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
