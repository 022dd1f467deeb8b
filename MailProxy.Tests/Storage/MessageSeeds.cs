using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;
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
                Sender = i % 4 == 0 ? "Shop@News.example" : "ann@example.com",
                Subject = (i % 5) switch
                {
                    0 => null,
                    1 => "Rechnung für MÜLLER",
                    2 => "m5 and invoice 100%_",
                    _ => "Grüße",
                },
                MessageId = (i % 8) switch
                {
                    0 => $"<m{i}@example.com>",
                    1 => "<same@example.com>",
                    _ => $"<other{i}@example.org>",
                },
                Code = (i % 3) switch
                {
                    0 => 0,
                    1 => 550,
                    _ => 421,
                },
                EnhancedCode = (i % 6) switch
                {
                    0 or 3 => null,
                    1 => "5.1.1",
                    2 => "4.7.0",
                    4 => "5.1.10",
                    _ => "4.7.28",
                },
                Reply = i % 3 == 0 ? null : "4.7.0 Rate LIMIT of müller",
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

    /// <summary>Conditions of a search, of each kind several.</summary>
    public static readonly MessageTerm[] Terms =
    [
        new MessageTerm.Id("m42"),
        new MessageTerm.Id("M42"),
        new MessageTerm.MessageId("<m16@example.com>"),
        new MessageTerm.MessageId("<same@example.com>"),
        new MessageTerm.MessageId("same"),
        new MessageTerm.Recipient("BOB@example.com"),
        new MessageTerm.RecipientDomain("EXAMPLE.com"),
        new MessageTerm.RecipientDomain("ample.com"),
        new MessageTerm.Sender("shop@news.example"),
        new MessageTerm.SenderDomain("news.EXAMPLE"),
        new MessageTerm.InState([MessageState.Queued]),
        new MessageTerm.InState([MessageState.Sending, MessageState.Failed]),
        new MessageTerm.InState([MessageState.Deferred, MessageState.Sent]),
        new MessageTerm.ByAccount([new(2), new(3)]),
        new MessageTerm.ByAccount([]),
        new MessageTerm.InPool([]),
        new MessageTerm.InPool([new(1)]),
        new MessageTerm.InBatch("b1"),
        new MessageTerm.Tagged("red"),
        new MessageTerm.OfPriority(Priority.Immediate),
        new MessageTerm.Since(20_000),
        new MessageTerm.Before(20_000),
        new MessageTerm.ReplyCode(550, 550),
        new MessageTerm.ReplyCode(400, 499),
        new MessageTerm.EnhancedCode("5.1"),
        new MessageTerm.EnhancedCode("5.1.1"),
        new MessageTerm.EnhancedCode("4.7.2"),
        new MessageTerm.Subject("müller"),
        new MessageTerm.Subject("%"),
        new MessageTerm.Subject("_"),
        new MessageTerm.Reply("rate limit"),
        new MessageTerm.Reply("\" OR 1=1 --"),
        new MessageTerm.Word("bob@example.com"),
        new MessageTerm.Word("same@example.com"),
        new MessageTerm.Word("m16@example.com"),
        new MessageTerm.Word("m5"),
        new MessageTerm.Word("invoice"),
        new MessageTerm.Word("<same@example.com>"),
    ];

    /// <summary>Each condition, its opposite, and some two of them together.</summary>
    public static IEnumerable<MessageFilter> Searches()
    {
        MessageTerm[] both = [.. Terms, .. Terms.Select(static term => term with { Not = true })];
        return from tenant in new[] { null, "default", "other" }
            from i in Enumerable.Range(0, both.Length)
            from more in new MessageTerm?[] { null, both[(i * 7 + 3) % both.Length] }
            select new MessageFilter(tenant, i % 5 == 0 ? MessageState.Deferred : null)
            {
                Terms = more is null ? [both[i]] : [both[i], more],
            };
    }

    private static bool Holds(SeedMessage seed, MessageFilter filter, MessageTerm term)
    {
        bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
        bool Has(string? text, string part) => text?.Contains(part, StringComparison.OrdinalIgnoreCase) == true;
        bool IsKnown(string id) => Varied(120).Any(one => one.Id == id && (filter.Tenant ?? one.Tenant) == one.Tenant);
        return term.Not
            != term switch
            {
                MessageTerm.Id id => seed.Id == id.Value,
                MessageTerm.MessageId id => seed.MessageId == id.Header,
                MessageTerm.Recipient to => seed.Recipients.Any(one => Same(one, to.Address)),
                MessageTerm.RecipientDomain to => seed.Recipients.Any(one => Same(one.Split('@')[1], to.Domain)),
                MessageTerm.Sender from => Same(seed.Sender, from.Address),
                MessageTerm.SenderDomain from => Same(seed.Sender.Split('@')[1], from.Domain),
                MessageTerm.InState states => states.Any.Contains(seed.Seen),
                MessageTerm.ByAccount accounts => accounts.Any.Any(key => key.Number == seed.Account),
                MessageTerm.InPool => false,
                MessageTerm.InBatch batch => seed.Batch == batch.Name,
                MessageTerm.Tagged tagged => seed.Tags?.Contains($"\"{tagged.Tag}\"", StringComparison.Ordinal) == true,
                MessageTerm.OfPriority priority => seed.Priority == priority.Value,
                MessageTerm.Since since => seed.CreatedAt >= since.At,
                MessageTerm.Before before => seed.CreatedAt < before.At,
                MessageTerm.ReplyCode code => seed.Code != 0 && seed.Code >= code.Least && seed.Code <= code.Most,
                MessageTerm.EnhancedCode code => $"{seed.EnhancedCode}.".StartsWith(code.Code + ".", StringComparison.Ordinal),
                MessageTerm.Subject subject => Has(seed.Subject, subject.Part),
                MessageTerm.Reply reply => Has(seed.Reply, reply.Part),
                MessageTerm.Word { Text: var text } => seed.Id == text
                    || seed.MessageId == text
                    || seed.MessageId == $"<{text}>"
                    || seed.Recipients.Any(one => Same(one, text))
                    || (!text.Contains('@', StringComparison.Ordinal) && (term.Not || !IsKnown(text)) && Has(seed.Subject, text)),
                _ => throw new InvalidOperationException(term.ToString()),
            };
    }

    public static bool Matches(SeedMessage seed, MessageFilter filter) =>
        filter.Terms.All(term => Holds(seed, filter, term)) && MatchesMembers(seed, filter);

    private static bool MatchesMembers(SeedMessage seed, MessageFilter filter) =>
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
