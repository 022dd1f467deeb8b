using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>SMTP accounts. Changes act at once.</summary>
internal sealed class AccountRoutes(
    ConfigurationWriter<SmtpAccount> writer,
    CurrentAccounts accounts,
    ConfigurationBody bodies,
    DispatcherControl dispatcher,
    Wake wake,
    AccountTest test,
    Quotas quotas,
    OperatorLog told,
    IAuditLog audit,
    NetworkPolicy policy
) : ResourceRoutes<SmtpAccount>(AccountFields.Noun, writer, bodies)
{
    public void Map(RouteGroupBuilder v1)
    {
        Map(
            v1,
            "List SMTP accounts",
            "One SMTP account; secrets never come out",
            "Create or replace an SMTP account, all but its secrets",
            "Delete an SMTP account that has no unfinished mail"
        );
        v1.MapPost("/accounts/{id}/pause", Pause)
            .WithName("pauseAccount")
            .WithSummary("Let its mail wait")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Versioned()
            .Produces<Shown<SmtpAccount>>();
        v1.MapPost("/accounts/{id}/resume", Resume)
            .WithName("resumeAccount")
            .WithSummary("Send again, without waiting for its circuit to close")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Versioned()
            .Produces<Shown<SmtpAccount>>();
        v1.MapPost("/accounts/{id}/circuit/reset", ResetCircuit)
            .WithName("resetAccountCircuit")
            .WithSummary("Close its circuit: all its mail goes again at once")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Versioned()
            .Produces<Shown<SmtpAccount>>();
        v1.MapPost("/accounts/{id}/adaptive/reset", ResetAdapted)
            .WithName("resetAccountRate")
            .WithSummary("Send as fast as it is configured to, whatever its provider asked for")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Versioned()
            .Produces<Shown<SmtpAccount>>();
        v1.MapPost("/accounts/{id}/test", Test)
            .WithName("testAccount")
            .WithSummary("Connect and authenticate without sending")
            .WithTags("Accounts")
            .Needs(KeyScopes.Manage)
            .Produces<AccountTestAnswer>();
    }

    protected override string InUse =>
        "The account is in a pool, or has unfinished mail. Take it out of its pools; cancel or reroute the mail, or wait.";

    // As the account is in force, which knows whether its tenant was suspended.
    protected override ValueTask<JsonObject> ShowAsync(HttpContext http, SmtpAccount account)
    {
        var wait = WaitReason.Of(accounts.Directory.Find(account.Key) ?? account, dispatcher);
        var (pipelining, why) = dispatcher.Pipelining(account);
        var given = new Dictionary<string, JsonNode?>
        {
            ["waiting_for"] = wait is null ? null : JsonSerializer.SerializeToNode(wait, ApiJson.Plain.WaitAnswer),
            ["limits_now"] = Shown(dispatcher.Limits(LimitKey.Of(account.Key)), LimitUsageFields.Members),
            ["destinations_now"] = Shown(dispatcher.Destinations(account), DestinationUsageFields.Members),
            ["circuit"] = CircuitFields.Members.Show(
                dispatcher.Circuit(account.Key) is { } known ? (known.State, known.Circuit) : (CircuitState.Closed, null)
            ),
            ["adaptive"] = dispatcher.Adapted(account.Key) is { } rate ? AdaptedRateFields.Members.Show(rate) : null,
            ["pipelining_now"] = AccountFields.NameOf(pipelining),
            ["pipelining_why"] = why,
            ["in_flight"] = dispatcher.Lane(Lanes.Of(account.Key)).InFlight is > 0 and var under ? under : null,
        };
        return new(AccountFields.Noun.Fields.Show(account, given));
    }

    private static JsonArray? Shown<T>(IReadOnlyList<T> usages, FieldList<T> members) =>
        usages.Count == 0 ? null : new([.. usages.Select(usage => (JsonNode)members.Show(usage))]);

    // A secret goes there: in the clear only where nobody else listens, or where the operator says so by address.
    protected override SmtpAccount Bind(MemberReader members, HttpContext http, string id, SmtpAccount? existing)
    {
        var account = base.Bind(members, http, id, existing);
        if (account.OAuth?.TokenUrl is { } url && url.Scheme == Uri.UriSchemeHttp && !MayBeClear(url))
            members.Fault("auth/oauth2/token_url", "insecure_url", "Must be https: a secret is sent there.");
        return account;
    }

    private bool MayBeClear(Uri url) =>
        url.IsLoopback
        || (IPAddress.TryParse(url.DnsSafeHost, out var address) && policy.Allows(address) && !NetworkPolicy.PublicOnly.Allows(address));

    protected override ValueTask<ProblemAnswer?> RefusalOfNewAsync(Caller caller, string id) =>
        new(
            Quotas.Refusal(
                caller,
                accounts.Directory.OfTenant(caller.Tenant).Count,
                quotas.Options.MaxAccounts,
                "accounts",
                nameof(TenantOptions.MaxAccounts)
            )
        );

    protected override ValueTask ChangedAsync(Caller caller, Written<SmtpAccount> written)
    {
        var now = written.After?.Value;
        if (now is not null && written.Before?.Value is { } before && before.Paused != now.Paused)
            told.Switched(now.Paused, $"The account {now}", caller.Actor);
        if (now is { Paused: false })
            dispatcher.ResetCircuit(now, "resume");
        wake.Look();
        return default;
    }

    private Task<IResult> Pause(HttpContext http, string id) => SetPausedAsync(http, id, true);

    private Task<IResult> Resume(HttpContext http, string id) => SetPausedAsync(http, id, false);

    private Task<IResult> SetPausedAsync(HttpContext http, string id, bool paused) =>
        ActAsync(http, id, paused ? "pause" : "resume", account => account.Paused == paused ? account : account with { Paused = paused });

    private Task<IResult> ResetCircuit(HttpContext http, string id) =>
        ResetAsync(http, id, "circuit_reset", account => dispatcher.ResetCircuit(account, "reset"));

    private Task<IResult> ResetAdapted(HttpContext http, string id) => ResetAsync(http, id, "adaptive_reset", dispatcher.ResetAdapted);

    // What was learned of the account's server, and is not configured.
    private async Task<IResult> ResetAsync(HttpContext http, string id, string action, Func<SmtpAccount, bool> reset)
    {
        var caller = Caller.Of(http);
        if (accounts.Directory.Find(caller.Tenant, id) is { } account && reset(account))
            await audit.AppendAsync(caller.Actor, $"account.{action}", AccountFields.Noun.Subject(account.Tenant, account.Id), null);
        return await AnswerAsync(http, id);
    }

    private async Task<IResult> Test(HttpContext http, string id)
    {
        var caller = Caller.Of(http);
        if (accounts.Directory.Find(caller.Tenant, id) is not { } account)
            return ProblemAnswer.NotFound("account");
        using var one = quotas.TryTest(caller);
        if (one is null)
            return Quotas.TooManyTests;
        var answer = await test(account, http.RequestAborted);
        if (answer.Ok && accounts.Directory.Find(account.Key)?.Version == account.Version)
            dispatcher.ResetCircuit(account, "test");
        return TypedResults.Json(answer, ApiJson.Plain.AccountTestAnswer);
    }
}
