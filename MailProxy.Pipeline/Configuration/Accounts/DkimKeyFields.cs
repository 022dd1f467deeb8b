using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using static MailProxy.Pipeline.Configuration.Forms;
using AccountField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.SmtpAccount>;

namespace MailProxy.Pipeline.Configuration.Accounts;

/// <summary>An account's DKIM keys that were made here: stored with it, changed by routes of their own.</summary>
public static class DkimKeyFields
{
    /// <summary>The words of algorithms.</summary>
    public static readonly Names<DkimAlgorithm> Algorithms = new(("rsa", DkimAlgorithm.Rsa), ("ed25519", DkimAlgorithm.Ed25519));

    /// <summary>The words of states.</summary>
    public static readonly Names<DkimState> States = new(
        ("pending", DkimState.Pending),
        ("active", DkimState.Active),
        ("retired", DkimState.Retired)
    );

    /// <summary>Most characters of a selector: with "-ed25519" behind it a label has 63 at most (RFC 1035 section 2.3.4).</summary>
    public const int LongestSelector = 50;

    private static readonly Form<DkimAlgorithm?> Algorithm = Choice(Algorithms);
    private static readonly Form<DkimState?> State = Choice(States);

    // A word for two keys is none of one key.
    private static readonly (string Name, bool IsBoth)[] Both = [("rsa", false), ("ed25519", false), ("both", true)];

    /// <summary>Whoever puts an account leaves its keys as they are.</summary>
    internal static readonly AccountField Field = new("dkim_keys", new("array"))
    {
        Use = FieldUse.Stored,
        Bind = static (_, now, before) => now with { DkimKeys = before?.DkimKeys ?? [] },
        Keep = static (account, kept) =>
        {
            if (account.DkimKeys.Count > 0)
                kept["dkim_keys"] = new JsonArray([.. account.DkimKeys.Select(static key => (JsonNode)Kept(key))]);
        },
        Read = static (account, kept) =>
            kept.TryGetProperty("dkim_keys", out var keys) ? account with { DkimKeys = [.. keys.EnumerateArray().Select(Read)] } : account,
    };

    /// <summary>All private keys together, by selector, sealed in one column.</summary>
    internal static readonly Sealed<SmtpAccount> Sealed = new("dkim_keys", "dkim_keys", ToText, FromText);

    /// <summary>Reads what kind of key is asked for; mistakes are told to the reader.</summary>
    public static (string Domain, string? Selector, IReadOnlyList<DkimAlgorithm> Algorithms) Asked(MemberReader members)
    {
        var domain = Text(253).Checked("invalid_domain", AccountRules.DomainFault).Bind(members, "domain", true);
        var selector = Text(LongestSelector).Checked("invalid_selector", AccountRules.SelectorFault).Bind(members, "selector", false);
        var isBoth = members.Choice("algorithm", Both);
        var one = isBoth is false ? members.Choice("algorithm", Algorithms) : null;
        members.Close();
        return (domain ?? "", selector, isBoth is true ? [DkimAlgorithm.Rsa, DkimAlgorithm.Ed25519] : [one ?? DkimAlgorithm.Rsa]);
    }

    private static JsonObject Kept(ManagedDkimKey key) =>
        new()
        {
            ["domain"] = key.Key.Domain,
            ["selector"] = key.Key.Selector,
            ["algorithm"] = Algorithm.Write(key.Algorithm),
            ["state"] = State.Write(key.State),
            ["public_key"] = key.PublicKey,
            ["created_at"] = key.CreatedAt,
        };

    private static ManagedDkimKey Read(JsonElement kept) =>
        new(
            new(kept.GetProperty("domain").GetString()!, kept.GetProperty("selector").GetString()!, ""),
            Algorithm.Read(kept.GetProperty("algorithm"))!.Value,
            kept.GetProperty("public_key").GetString()!,
            kept.GetProperty("created_at").GetInt64(),
            State.Read(kept.GetProperty("state"))!.Value
        );

    private static string? ToText(SmtpAccount account)
    {
        if (account.DkimKeys.Count == 0)
            return null;
        var text = new JsonObject();
        foreach (var key in account.DkimKeys)
            text[key.Key.Selector] = key.Key.PrivateKey;
        return text.ToJsonString();
    }

    private static SmtpAccount FromText(SmtpAccount account, string? text)
    {
        if (text is null)
            return account;
        using var document = JsonDocument.Parse(text);
        ManagedDkimKey Whole(ManagedDkimKey key) =>
            document.RootElement.TryGetProperty(key.Key.Selector, out var pem)
                ? key with
                {
                    Key = new(key.Key.Domain, key.Key.Selector, pem.GetString()!),
                }
                : throw new UnreadableResourceException($"The private key of the DKIM selector '{key.Key.Selector}' is missing.");
        return account with { DkimKeys = [.. account.DkimKeys.Select(Whole)] };
    }
}
