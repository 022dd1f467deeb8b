using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using static MailProxy.Pipeline.Configuration.Forms;
using MemberField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.PoolMember>;
using PoolField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.Pool>;

namespace MailProxy.Pipeline.Configuration.Pools;

/// <summary>What a pool is made of.</summary>
public static class PoolFields
{
    /// <summary>The words of strategies.</summary>
    public static readonly Names<PoolStrategy> Strategies = new(
        ("failover", PoolStrategy.Failover),
        ("weighted", PoolStrategy.Weighted),
        ("overflow", PoolStrategy.Overflow)
    );

    private const int HeaviestWeight = 1_000;

    private static readonly FieldList<PoolMember> Member = new(
        "PoolMember",
        [
            MemberField.Of("id", ObjectId, m => m.Account, (m, id) => m with { Account = id ?? "" }, required: true) with
            {
                Always = true,
            },
            MemberField.Of("weight", Whole(1, HeaviestWeight), m => m.Weight, (m, weight) => m with { Weight = weight ?? 1 }) with
            {
                Always = true,
            },
        ]
    )
    {
        Says = "An account of a pool; its id alone is the same as a weight of 1.",
    };

    private static readonly Form<IReadOnlyList<PoolMember>> Accounts = new(
        new("array")
        {
            Items = new("object") { Object = Member, Or = Shape.ObjectId },
            Fewest = 1,
            MostItems = Pool.MostAccounts,
        },
        Bind,
        static members => new JsonArray([.. members.Select(static member => (JsonNode)Member.Keep(member))]),
        static json => [.. json.EnumerateArray().Select(static one => Member.Read(one, new("")))]
    );

    private static readonly FieldList<Pool> Members = new(
        "Pool",
        [
            PoolField.Id(p => p.Id),
            PoolField.Answered("tenant", Shape.Text, p => p.Tenant) with
            {
                Always = true,
            },
            PoolField.Of(
                "strategy",
                Choice(Strategies),
                p => p.Strategy,
                (p, strategy) => p with { Strategy = strategy ?? PoolStrategy.Failover },
                required: true,
                says: "`failover`: the first of the list that can send. `overflow`: the first that has capacity. `weighted`: each in "
                    + "proportion to its weight."
            ) with
            {
                Always = true,
            },
            PoolField.Of(
                "accounts",
                Accounts,
                p => p.Accounts,
                (p, accounts) => p with { Accounts = accounts },
                required: true,
                says: "1 to 32 accounts of the tenant: ids, or objects with `id` and `weight` (1 to 1,000). Paused ones, ones at a limit "
                    + "and ones in trouble are passed over, and the message loses no attempt."
            ) with
            {
                Always = true,
            },
            PoolField.Of("description", Text(500), p => p.Description, (p, text) => p with { Description = text }),
            PoolField.Answered("waiting_for", new("Wait") { Known = true }) with
            {
                Shown = "Why its mail waits; absent when it does not.",
            },
        ]
    )
    {
        Says = "Several accounts that a message may go by.",
    };

    public static readonly Noun<Pool> Noun = new(
        "pool",
        "pools",
        Members,
        static (tenant, id) =>
            new()
            {
                Key = default,
                Tenant = tenant,
                Id = id,
                Version = 0,
            }
    )
    {
        IsNumbered = true,
        SpoilsAlone = true,
        Stamp = static (pool, number, version) => pool with { Key = new(number), Version = version },
    };

    private static IReadOnlyList<PoolMember> Bind(MemberReader members, string name, bool required)
    {
        var bound = new List<PoolMember>();
        if (members.Array(name, Pool.MostAccounts, required) is not { } array)
            return bound;
        if (array.GetArrayLength() == 0)
            members.Fault(name, "required", "A pool has at least one account.");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in array.EnumerateArray())
        {
            var at = $"{name}/{bound.Count}";
            var member = Read(members, at, item);
            if (member.Account.Length > 0 && !seen.Add(member.Account))
                members.Fault(at, "duplicate", $"The account '{member.Account}' is in the list already.");
            bound.Add(member);
        }

        return bound;
    }

    private static PoolMember Read(MemberReader members, string at, JsonElement item)
    {
        switch (item.ValueKind)
        {
            case JsonValueKind.String when IdSyntax.IsObjectId(item.GetString()!):
                return new(item.GetString()!);
            case JsonValueKind.String:
                members.Fault(at, "invalid_id", $"Must be an id: {IdSyntax.ObjectRule}.");
                return new("");
            case JsonValueKind.Object:
                return Member.Bind(members.At(at, item), new(""), null);
            default:
                members.Fault(at, "invalid_type", "Must be the id of an account, or an object with id and weight.");
                return new("");
        }
    }
}
