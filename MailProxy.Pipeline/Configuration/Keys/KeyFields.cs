using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;
using static MailProxy.Pipeline.Configuration.Forms;
using KeyField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.TenantKey>;

namespace MailProxy.Pipeline.Configuration.Keys;

/// <summary>What a tenant's key is made of. It is made once and never changed, so a request has no member that only answers have.</summary>
public static class KeyFields
{
    private const int MostNetworks = 100;

    private static readonly Form<KeyScopes> Scopes = new(
        new("array")
        {
            Items = Shape.Text with { Choices = [.. KeyScopeNames.All.Select(static scope => scope.Name)] },
            Fewest = 1,
            MostItems = KeyScopeNames.All.Count,
        },
        static (members, name, _) =>
        {
            var words = KeyScopeNames.All;
            var named = members.Texts(name, words.Count, word => words.Find(word) is null ? $"Must be one of: {words.Listed}." : null);
            if (named.Count == 0)
                members.Fault(name, "required", "At least one scope is required.");
            return named.Aggregate(KeyScopes.None, (scopes, word) => scopes | (words.Find(word) ?? KeyScopes.None));
        },
        static scopes => new JsonArray([.. scopes.Names().Select(static name => (JsonNode)name)]),
        static json => (KeyScopes)json.GetInt32()
    );

    private static readonly Form<IReadOnlyList<IPNetwork>> Networks = Texts(
            MostNetworks,
            static text => NetworkPolicy.TryParse(text, out _) ? null : "Must be a CIDR range such as 10.1.0.0/16, or an address."
        )
        .As<IReadOnlyList<IPNetwork>>(
            static texts => [.. texts.Select(static text => NetworkPolicy.TryParse(text, out var network) ? network : default)],
            static networks => [.. networks.Select(static network => network.ToString())]
        ) with
    {
        Read = static json => [.. json.EnumerateArray().Select(static text => IPNetwork.Parse(text.GetString()!))],
    };

    private static readonly FieldList<TenantKey> Members = new(
        "Key",
        [
            Answered("id", key => key.Id),
            Answered("tenant", key => key.Tenant),
            KeyField.Of("name", Text(200), key => key.Name, (key, name) => key with { Name = name ?? "" }, required: true) with
            {
                Always = true,
                InColumn = true,
            },
            KeyField.Of(
                "scopes",
                Scopes,
                key => key.Scopes,
                (key, scopes) => key with { Scopes = scopes },
                required: true,
                says: "`send` (submit messages and act on them), `read`, `manage` (accounts, webhooks, volumes)."
            ) with
            {
                Always = true,
                InColumn = true,
                Keep = (key, kept) => kept["scopes"] = (long)key.Scopes,
                Tell = (key, told) => told["scopes"] = Scopes.Write(key.Scopes),
            },
            KeyField.Of(
                "allowed_networks",
                Networks,
                key => key.AllowedNetworks,
                (key, networks) => key with { AllowedNetworks = networks },
                says: "CIDR ranges it may be used from; absent: from anywhere."
            ) with
            {
                Always = true,
                InColumn = true,
                Order = 1,
            },
            Noted("created_at", key => key.CreatedAt, (key, at) => key with { CreatedAt = at ?? 0 }) with
            {
                Always = true,
            },
            Instant("expires_at", key => key.ExpiresAt, (key, at) => key with { ExpiresAt = at }),
            Noted("last_used_at", key => key.LastUsedAt, (key, at) => key with { LastUsedAt = at }) with
            {
                Shown = "Within a minute; absent: never.",
            },
            KeyField.Answered("key", Shape.Text) with
            {
                Unasked = true,
                Bind = NotAsked,
                Shown = "Only in the answer that made it.",
            },
            new("hash", Shape.Bytes)
            {
                Use = FieldUse.Stored,
                InColumn = true,
                Keep = static (key, kept) => kept["hash"] = Convert.ToBase64String(key.Hash),
                Read = static (key, kept) => key with { Hash = kept.GetProperty("hash").GetBytesFromBase64() },
                Tell = Nothing,
            },
        ]
    )
    {
        Says = "A key of a tenant.",
        Rules = static (members, key, _) =>
        {
            if (key.ExpiresAt <= key.CreatedAt)
                members.Fault("expires_at", "expires_in_past", "Must lie in the future.");
            return key;
        },
    };

    public static readonly Noun<TenantKey> Noun = new(
        "key",
        "tenant_keys",
        Members,
        static (tenant, id) =>
            new()
            {
                Tenant = tenant,
                Id = id,
                Name = "",
                Hash = [],
                Scopes = KeyScopes.None,
                CreatedAt = 0,
            }
    )
    {
        HasConfig = false,
        IsDated = false,
    };

    private static KeyField Answered(string name, Func<TenantKey, string> get) =>
        KeyField.Answered(name, Shape.Text, key => get(key)) with
        {
            Unasked = true,
            Always = true,
            Bind = NotAsked,
        };

    private static KeyField Instant(string name, Func<TenantKey, long?> get, Func<TenantKey, long?, TenantKey> set) =>
        KeyField.Of(name, Time, get, set) with
        {
            InColumn = true,
            Show = (key, shown) => KeyField.Add(shown, name, Forms.Instant(get(key))),
        };

    // An instant that the daemon notes.
    private static KeyField Noted(string name, Func<TenantKey, long?> get, Func<TenantKey, long?, TenantKey> set) =>
        Instant(name, get, set) with
        {
            Use = FieldUse.Answers,
            Unasked = true,
            Bind = NotAsked,
            Tell = Nothing,
        };

    // A member that is not asked for is unknown in a request.
    private static TenantKey NotAsked(MemberReader members, TenantKey now, TenantKey? before) => now;

    private static void Nothing(TenantKey key, JsonObject told) { }
}
