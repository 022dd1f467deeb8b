using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands below <c>suppressions</c>: whom mail does not go to.</summary>
internal static class SuppressionVerbs
{
    private const string Path = "v1/suppressions";

    private static readonly IReadOnlyList<Column> Columns =
    [
        new("who", static one => Cell.Text(one, "address") is { Length: > 0 } address ? address : "@" + Cell.Text(one, "domain")),
        new("reason", "reason"),
        new("source", "source"),
        new("since", "created_at"),
        new("expires", "expires_at"),
    ];

    public static Verb Make() =>
        new Verb("suppressions", "Suppression list: whom mail does not go to.").With(
            ListVerb(),
            AddVerb(),
            DeleteVerb(),
            Import(),
            Export()
        );

    private static Verb ListVerb()
    {
        var who = Words.OptionalWord("WHO", "Only this address, or @domain.");
        var source = Words.Choice("--source", "Only those that came so.", "api", "import", "bounce", "unsubscribe");
        var (limit, all) = (Lists.Limit(), Lists.All());
        return new Verb("list", "Entries of the list.")
        {
            Examples = ["mailproxy suppressions list", "mailproxy suppressions list gone@example.com"],
            Run = call =>
            {
                var query = call.Get(who) is { } one ? $"?{Target(one)}" : "";
                if (call.Get(source) is { } from)
                    query += $"{(query.Length == 0 ? '?' : '&')}source={from}";
                return Lists.ShowAsync(call, Path + query, call.Get(limit), call.Get(all), Columns, "There is no such entry.");
            },
        }.With(who, source, limit, all);
    }

    private static Verb AddVerb()
    {
        var who = Words.Word("WHO", "An address, or @domain.");
        var reason = Words.Text("--reason", "TEXT", "Why; for people.");
        var expires = Words.Text("--expires", "TIME", "Until when: RFC 3339; without it for ever.");
        return new Verb("add", "Send an address or a domain no mail any more.")
        {
            Examples = ["mailproxy suppressions add left@example.com --reason \"asked by telephone\""],
            Run = async call =>
            {
                var one = call.Word(who);
                var body = new JsonObject { ["reason"] = call.Get(reason) ?? "by a person" };
                body[one.StartsWith('@') ? "domain" : "address"] = one.TrimStart('@');
                if (call.Get(expires) is { } until)
                    body["expires_at"] = until;
                var answer = await call.Daemon.SendAsync(HttpMethod.Put, Path, body, call.Stop);
                return call.Done(answer.Body, $"{one} gets no mail any more.");
            },
        }.With(who, reason, expires);
    }

    private static Verb DeleteVerb()
    {
        var who = Words.Word("WHO", "An address, or @domain.");
        return new Verb("delete", "Send an address or a domain mail again.")
        {
            Examples = ["mailproxy suppressions delete gone@example.com"],
            Run = async call =>
            {
                await call.Daemon.SendAsync(HttpMethod.Delete, $"{Path}?{Target(call.Word(who))}", null, call.Stop);
                return call.Done(null, $"{call.Word(who)} gets mail again.");
            },
        }.With(who);
    }

    private static Verb Import()
    {
        var file = Words.Word("FILE", "CSV with a heading, or NDJSON (a name that ends in .ndjson or .jsonl); - is standard input.");
        var format = Words.Choice("--format", "Of standard input, or where the name does not say it.", "csv", "ndjson");
        return new Verb("import", "Take entries over from a file; lines that are refused are told, the others taken.")
        {
            Examples = ["mailproxy suppressions import bounces.csv"],
            Run = async call =>
            {
                var name = call.Word(file);
                var isNdjson = call.Get(format) is { } said
                    ? said == "ndjson"
                    : name.EndsWith(".ndjson", StringComparison.OrdinalIgnoreCase)
                        || name.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase);
                await using var stream = Files.OpenRead(call, name, "FILE");
                var type = isNdjson ? "application/x-ndjson" : "text/csv";
                var answer = (await call.Daemon.SendAsync(HttpMethod.Post, Path + "/import", stream, type, call.Stop)).Body!;
                call.Show(answer, _ => Tell(call, answer));
                return Cell.Number(answer, "refused") == 0 ? ExitCode.Done : ExitCode.Failed;
            },
        }.With(file, format);
    }

    private static Verb Export()
    {
        var format = Words.Choice("--format", "ndjson without it.", "csv", "ndjson");
        var output = Words.Text("--output", "FILE", "Write it there instead of to standard output.", "-o");
        return new Verb("export", "The whole list, in a form that import takes.")
        {
            Examples = ["mailproxy suppressions export --format csv --output list.csv"],
            Run = async call =>
            {
                var path = $"{Path}/export?format={call.Get(format) ?? "ndjson"}";
                await Files.WriteAsync(call, call.Get(output), target => call.Daemon.CopyAsync(path, target, call.Stop));
                return ExitCode.Done;
            },
        }.With(format, output);
    }

    private static void Tell(Call call, JsonNode answer)
    {
        call.Line($"{Cell.Text(answer, "added")} added, {Cell.Text(answer, "replaced")} replaced, {Cell.Text(answer, "refused")} refused.");
        foreach (var error in (JsonArray)answer["errors"]!)
            call.Note($"line {Cell.Text(error, "line")}: {Cell.Text(error, "detail")} ({Cell.Text(error, "code")})");
    }

    private static string Target(string who) =>
        who.StartsWith('@') ? $"domain={Uri.EscapeDataString(who[1..])}" : $"address={Uri.EscapeDataString(who)}";
}
