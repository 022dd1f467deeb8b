using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Cli.Verbs;

namespace MailProxy.Daemon.Cli.Apply;

/// <summary>The command <c>export</c>: what is configured, as a file that <c>apply</c> takes.</summary>
internal static class ExportVerb
{
    public static Verb Make()
    {
        var output = Words.Text("--output", "FILE", "Write it there instead of to standard output.", "-o");
        var suppressions = Words.Flag("--suppressions", "The suppression list too, which may be long.");
        return new Verb("export", "What is configured of a tenant, as a YAML file that apply takes; --json writes JSON.")
        {
            Details =
                "Secrets never come out: the file says in a remark which are stored, and applied to the same installation "
                + "it leaves them as they "
                + "are. The tenants themselves are in it unless --tenant names one; it takes the admin key.",
            Examples = ["mailproxy export --output mail.yaml", "mailproxy export --tenant shop --json"],
            Run = async call =>
            {
                var (document, hidden) = await ReadAsync(call, call.Get(suppressions));
                var text = call.IsJson
                    ? JsonText.Indented(document) + "\n"
                    : string.Concat(hidden.Select(static secret => $"# stored, not exported: {secret}\n")) + YamlText.Write(document);
                var bytes = Encoding.UTF8.GetBytes(text);
                await Files.WriteAsync(call, call.Get(output), target => target.WriteAsync(bytes, call.Stop).AsTask());
                return ExitCode.Done;
            },
        }.With(output, suppressions);
    }

    private static async Task<(JsonObject Document, List<string> Hidden)> ReadAsync(Call call, bool withSuppressions)
    {
        var (document, hidden) = (new JsonObject(), new List<string>());
        if (call.Tenant is { } tenant)
            document[ResourceFile.TenantMember] = tenant;
        foreach (var noun in NounForm.All)
        {
            if (noun.Plural == "tenants" && call.Tenant is not null)
                continue;
            var found = new JsonObject();
            foreach (var one in (JsonArray)(await Lists.ReadAsync(call, $"v1/{noun.Plural}", null, all: true))["data"]!)
            {
                var id = Cell.Text(one, "id");

                // Every installation has it, and nobody may change it.
                if (Cell.Flag(one, "sandbox") && id == "sandbox")
                    continue;
                found[id] = noun.Configured((JsonObject)one!);
                ((JsonObject)found[id]!).Remove("id");
                hidden.AddRange(NounForm.Hidden((JsonObject)one!).Select(secret => $"{noun.Plural}.{id}.{secret}"));
            }

            if (found.Count > 0)
                document[noun.Plural] = found;
        }

        await AddBatchesAsync(call, document);
        if (withSuppressions)
            await AddSuppressionsAsync(call, document);
        return (document, hidden);
    }

    // Those that only mail names have nothing that could be configured.
    private static async Task AddBatchesAsync(Call call, JsonObject document)
    {
        var found = new JsonObject();
        foreach (var one in (JsonArray)(await Lists.ReadAsync(call, "v1/batches", null, all: true))["data"]!)
        {
            if (Cell.Flag(one, "suspended") || Cell.Number(one, "weight") > 1)
                found[Cell.Text(one, "id")] = new JsonObject
                {
                    ["suspended"] = Cell.Flag(one, "suspended"),
                    ["weight"] = Cell.Number(one, "weight"),
                };
        }

        if (found.Count > 0)
            document[ResourceFile.Batches] = found;
    }

    private static async Task AddSuppressionsAsync(Call call, JsonObject document)
    {
        var entries = new JsonArray();
        foreach (var one in (JsonArray)(await Lists.ReadAsync(call, "v1/suppressions", null, all: true))["data"]!)
        {
            var entry = new JsonObject();
            foreach (var name in new[] { "address", "domain", "reason", "expires_at" })
            {
                if (one![name] is { } value)
                    entry[name] = value.DeepClone();
            }

            entries.Add((JsonNode)entry);
        }

        document[ResourceFile.Suppressions] = entries;
    }
}
