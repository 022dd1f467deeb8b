using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands below <c>accounts dkim</c>.</summary>
internal static class DkimVerbs
{
    private const string Keys = "v1/accounts/{0}/dkim";

    private static readonly IReadOnlyList<Column> Columns =
    [
        new("selector", "selector"),
        new("domain", "domain"),
        new("algorithm", "algorithm"),
        new("state", "state"),
        new("record", "dns.name"),
        new("value", "dns.value"),
    ];

    public static Verb Make() =>
        new Verb("dkim", "Keys that sign an account's mail: the records for DNS, activate, delete.").With(
            ListVerb(),
            AddVerb(),
            Act(),
            Delete()
        );

    private static Verb ListVerb()
    {
        var id = ResourceVerbs.Accounts.Id();
        return new Verb("list", "An account's keys, with the record of each for DNS.")
        {
            Examples = ["mailproxy accounts dkim list relay"],
            Run = async call =>
            {
                Show(call, await call.Daemon.GetAsync(Call.Path(Keys, call.Word(id)), call.Stop));
                return ExitCode.Done;
            },
        }.With(id);
    }

    private static Verb AddVerb()
    {
        var id = ResourceVerbs.Accounts.Id();
        var domain = Words.Text("--domain", "DOMAIN", "Whose mail it signs.");
        var selector = Words.Text("--selector", "NAME", "Its name in DNS; without it one is made from the date.");
        var algorithm = Words.Choice("--algorithm", "rsa without it.", "rsa", "ed25519", "both");
        return new Verb("add", "Make a key. It signs once its record is in DNS and it is activated.")
        {
            Examples = ["mailproxy accounts dkim add relay --domain example.com --selector winter"],
            Run = async call =>
            {
                var body = new JsonObject { ["domain"] = call.Get(domain) ?? throw new UsageException("Whose mail? Say --domain DOMAIN.") };
                if (call.Get(selector) is { } name)
                    body["selector"] = name;
                if (call.Get(algorithm) is { } kind)
                    body["algorithm"] = kind;
                Show(call, (await call.Daemon.SendAsync(HttpMethod.Post, Call.Path(Keys, call.Word(id)), body, call.Stop)).Body!);
                return ExitCode.Done;
            },
        }.With(id, domain, selector, algorithm);
    }

    private static Verb Act()
    {
        var id = ResourceVerbs.Accounts.Id();
        var selector = Words.Word("SELECTOR", "The key's.");
        return new Verb("activate", "Sign with a key from now on; the one before it is retired.")
        {
            Examples = ["mailproxy accounts dkim activate relay autumn"],
            Run = async call =>
            {
                var path = Call.Path(Keys + "/{1}/activate", call.Word(id), call.Word(selector));
                var answer = await call.Daemon.SendAsync(HttpMethod.Post, path, null, call.Stop);
                return call.Done(answer.Body, $"The key {call.Word(selector)} signs.");
            },
        }.With(id, selector);
    }

    private static Verb Delete()
    {
        var id = ResourceVerbs.Accounts.Id();
        var selector = Words.Word("SELECTOR", "The key's.");
        var yes = Asking.Yes();
        return new Verb("delete", "Delete a key; then its record may leave DNS.")
        {
            Examples = ["mailproxy accounts dkim delete relay autumn --yes"],
            Run = async call =>
            {
                if (!Asking.Confirm(call, $"Delete the key {call.Word(selector)}?", call.Get(yes)))
                    return call.Done(null, "Nothing was deleted.");
                var path = Call.Path(Keys + "/{1}", call.Word(id), call.Word(selector));
                await call.Daemon.SendAsync(HttpMethod.Delete, path, null, call.Stop);
                return call.Done(null, $"The key {call.Word(selector)} was deleted.");
            },
        }.With(id, selector, yes);
    }

    private static void Show(Call call, JsonNode keys) =>
        call.Show(
            keys,
            _ =>
            {
                JsonNode[] rows = keys["data"] is JsonArray list ? [.. list.Select(static one => one!)] : [keys];
                if (rows.Length == 0)
                    call.Note("The account has no keys.");
                else
                    Tables.Write(call.Terminal, Columns, rows);
            }
        );
}
