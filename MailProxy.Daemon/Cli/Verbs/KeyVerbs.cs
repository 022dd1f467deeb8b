using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The commands below <c>keys</c>: those of one tenant, for the holder of the admin key.</summary>
internal static class KeyVerbs
{
    private const string Default = "default";

    private static readonly IReadOnlyList<Column> Columns =
    [
        new("id", "id"),
        new("name", "name"),
        new("scopes", "scopes"),
        new("networks", "allowed_networks"),
        new("expires", "expires_at"),
        new("last used", "last_used_at"),
    ];

    public static Verb Make() =>
        new Verb("keys", "Keys of a tenant (--tenant; without it of default).").With(ListVerb(), AddVerb(), DeleteVerb());

    private static string Of(Call call) => Call.Path("v1/tenants/{0}/keys", call.Tenant ?? Default);

    private static Verb ListVerb()
    {
        var (limit, all) = (Lists.Limit(), Lists.All());
        return new Verb("list", "The keys of a tenant, without the keys themselves.")
        {
            Examples = ["mailproxy keys list --tenant shop"],
            Run = call => Lists.ShowAsync(call, Of(call), call.Get(limit), call.Get(all), Columns, "The tenant has no keys."),
        }.With(limit, all);
    }

    private static Verb AddVerb()
    {
        var name = Words.Word("NAME", "What it is for, such as web-shop.");
        var scopes = Words.Texts("--scope", "SCOPE", "What it may do: send, read, manage; several times. send without it.");
        var expires = Words.Text("--expires", "TIME", "Until when it is good: RFC 3339; without it for ever.");
        var networks = Words.Texts("--network", "CIDR", "From where it may be used; several times. From everywhere without it.");
        var output = Words.Text("--output", "FILE", "Write the key there (mode 0600) instead of showing it.", "-o");
        return new Verb("add", "Make a key. It is shown once.")
        {
            Examples = ["mailproxy keys add web-shop --tenant shop --scope send --scope read --output shop.key"],
            Run = async call =>
            {
                var body = new JsonObject
                {
                    ["name"] = call.Word(name),
                    ["scopes"] = Strings(call.Get(scopes) is { Length: > 0 } some ? some : ["send"]),
                };
                if (call.Get(expires) is { } until)
                    body["expires_at"] = until;
                if (call.Get(networks) is { Length: > 0 } ranges)
                    body["allowed_networks"] = Strings(ranges);
                var made = (await call.Daemon.SendAsync(HttpMethod.Post, Of(call), body, call.Stop)).Body!;
                if (call.Get(output) is not { } file)
                    return call.Done(made, $"{Cell.Text(made, "id")}: {(string?)made["key"]}");
                WriteKey(call.Terminal.PathOf(file), (string)made["key"]!);
                ((JsonObject)made).Remove("key");
                return call.Done(made, $"{Cell.Text(made, "id")}: the key is in {file}.");
            },
        }.With(name, scopes, expires, networks, output);
    }

    private static Verb DeleteVerb()
    {
        var id = Words.Word("ID", "The key's id, as in the list.");
        var yes = Asking.Yes();
        return new Verb("delete", "Refuse a key from now on.")
        {
            Examples = ["mailproxy keys delete k1 --tenant shop --yes"],
            Run = async call =>
            {
                if (!Asking.Confirm(call, $"Delete the key {call.Word(id)}?", call.Get(yes)))
                    return call.Done(null, "Nothing was deleted.");
                await call.Daemon.SendAsync(HttpMethod.Delete, Of(call) + Call.Path("/{0}", call.Word(id)), null, call.Stop);
                return call.Done(null, $"The key {call.Word(id)} is refused from now on.");
            },
        }.With(id, yes);
    }

    private static void WriteKey(string path, string key)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new StreamWriter(path, options);
        file.WriteLine(key);
    }

    private static JsonArray Strings(IEnumerable<string> texts) => [.. texts.Select(static text => (JsonNode)text)];
}
