using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Storage;

/// <summary>
/// Messages in all sorts of states, the filters to look for them, and what each filter means, written the slow and plain way.
/// </summary>
internal static class MessageSeeds
{
    private static readonly (MessageState State, bool Begun)[] Standings =
    [
        .. Enum.GetValues<MessageState>().Where(s => s != MessageState.Sending).Select(s => (s, false)),
        (MessageState.Queued, true),
        (MessageState.Deferred, true),
    ];

    /// <summary>Always the same ones: every property runs in a cycle of its own length.</summary>
    public static IEnumerable<SeedMessage> Varied(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var (state, begun) = Standings[i % Standings.Length];
            yield return new()
            {
                Id = $"m{i}",
                Tenant = i % 7 == 0 ? "other" : "default",
                State = state,
                Begun = begun,
                Account = 1 + i % 3,
                Priority = (Priority)(i % 4),
                CreatedAt = 1_000 + i * 500,
                Due = state is MessageState.Deferred or MessageState.Scheduled && i % 5 != 0 ? 2_000 + i * 700 : 0,
                Batch = (i % 11) switch
                {
                    0 or 1 or 2 => "b1",
                    3 => "b2",
                    _ => null,
                },
                Tags = (i % 9) switch
                {
                    0 or 1 => """["red","gr\u00fcn"]""",
                    2 => """["reddish"]""",
                    _ => null,
                },
                Recipients = (i % 6) switch
                {
                    0 => ["bob@example.com"],
                    1 => ["ann@example.com", "Bob@Example.com"],
                    2 => ["bob@example.com", "BOB@example.com"],
                    _ => ["carol@example.com"],
                },
            };
        }
    }

    public static IEnumerable<MessageFilter> Filters()
    {
        MessageState?[] states = [null, .. Enum.GetValues<MessageState>()];
        return from tenant in new[] { null, "default", "other" }
            from state in states
            from rest in new MessageFilter[]
            {
                new(tenant, state),
                new(tenant, state, new AccountKey(2)),
                new(tenant, state, Batch: "b1"),
                new(tenant, state, Tag: "red"),
                new(tenant, state, Tag: "grün"),
                new(tenant, state, To: "bob@example.com"),
                new(tenant, state, Priority: Priority.High),
                new(tenant, state, CreatedAfter: 6_000, CreatedBefore: 41_000),
                new(tenant, state, new AccountKey(1), "b1", "red", "BOB@EXAMPLE.COM", Priority.Low, 1_000, 90_000),
            }
            select rest;
    }

    public static bool Matches(SeedMessage seed, MessageFilter filter) =>
        (filter.Tenant is null || filter.Tenant == seed.Tenant)
        && (filter.Status is null || filter.Status == seed.Seen)
        && (filter.Account is null || filter.Account.Value.Number == seed.Account)
        && (filter.Batch is null || filter.Batch == seed.Batch)
        && (filter.Tag is null || (seed.Tags is not null && JsonSerializer.Deserialize<string[]>(seed.Tags)!.Contains(filter.Tag)))
        && (filter.To is null || seed.Recipients.Contains(filter.To, StringComparer.OrdinalIgnoreCase))
        && (filter.Priority is null || filter.Priority == seed.Priority)
        && (filter.CreatedAfter is null || seed.CreatedAt >= filter.CreatedAfter)
        && (filter.CreatedBefore is null || seed.CreatedAt < filter.CreatedBefore);
}
