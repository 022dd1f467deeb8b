using System.Globalization;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Search;

/// <summary>
/// The text by which messages are found, the same in a URL, in a command and on the page: <c>to:ann@example.com status:deferred age:&gt;1h
/// invoice</c>. Pure.
/// </summary>
/// <param name="accounts">Accounts of a name that the caller may see.</param>
/// <param name="pools">Pools of a name that the caller may see.</param>
/// <param name="now">Unix milliseconds.</param>
public sealed class MessageSearch(Func<string, IReadOnlyList<AccountKey>> accounts, Func<string, IReadOnlyList<PoolKey>> pools, long now)
{
    /// <summary>Characters of a search.</summary>
    public const int MaxLength = 1_000;

    /// <summary>Words of a search: each may be looked up for each message.</summary>
    public const int MaxWords = 20;

    private const int LongestValue = 500;

    private static readonly Dictionary<char, long> Units = new()
    {
        ['s'] = 1_000,
        ['m'] = 60_000,
        ['h'] = 3_600_000,
        ['d'] = 86_400_000,
        ['w'] = 7 * 86_400_000L,
    };

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "id",
        "message_id",
        "to",
        "from",
        "status",
        "account",
        "pool",
        "batch",
        "tag",
        "priority",
        "age",
        "created",
        "code",
        "subject",
        "reply",
    };

    /// <summary>What may stand before a colon.</summary>
    public static IReadOnlySet<string> Keys => Known;

    /// <summary>The conditions that a text asks for.</summary>
    /// <param name="mistakes">What is wrong with it, each with the place and the remedy.</param>
    public IReadOnlyList<MessageTerm> Read(string text, out IReadOnlyList<string> mistakes)
    {
        var wrong = new List<string>();
        mistakes = wrong;
        if (text.Length > MaxLength)
        {
            wrong.Add($"A search has {MaxLength} characters at most.");
            return [];
        }

        var words = new List<SearchWord>();
        if (SearchWords.Read(text, Known, words) is { } mistake)
            wrong.Add(mistake);
        if (words.Count > MaxWords)
            wrong.Add($"A search has {MaxWords} words at most.");
        var terms = new List<MessageTerm>(words.Count);
        foreach (var word in words)
        {
            if (word.Value.Length > LongestValue || word.Value.Contains('\0', StringComparison.Ordinal))
                wrong.Add(At(word, $"a value has {LongestValue} characters at most, and no NUL"));
            else if (Term(word, out var expected) is { } term)
                terms.Add(term with { Not = word.Not });
            else
                wrong.Add(At(word, expected));
        }

        return terms;
    }

    private MessageTerm? Term(SearchWord word, out string expected)
    {
        expected = "";
        var value = word.Value;
        switch (word.Key)
        {
            case null:
                return new MessageTerm.Word(value);
            case "id":
                return new MessageTerm.Id(value);
            case "message_id":
                return new MessageTerm.MessageId(value.StartsWith('<') ? value : $"<{value}>");
            case "to":
                return value.StartsWith('@') ? new MessageTerm.RecipientDomain(Domain(value)) : new MessageTerm.Recipient(Address(value));
            case "from":
                return value.StartsWith('@') ? new MessageTerm.SenderDomain(Domain(value)) : new MessageTerm.Sender(Address(value));
            case "account":
                return new MessageTerm.ByAccount(accounts(value));
            case "pool":
                return new MessageTerm.InPool(pools(value));
            case "batch":
                return new MessageTerm.InBatch(value);
            case "tag":
                return new MessageTerm.Tagged(value);
            case "subject":
                return new MessageTerm.Subject(value);
            case "reply":
                return new MessageTerm.Reply(value);
            default:
                return Measured(word.Key, value, out expected);
        }
    }

    private MessageTerm? Measured(string key, string value, out string expected)
    {
        switch (key)
        {
            case "status":
                expected = $"status: takes {WireNames.States.Listed}, or several of them with commas";
                return States(value);
            case "priority":
                expected = $"priority: {WireNames.PriorityRule}";
                return WireNames.ParsePriority(value.ToLowerInvariant()) is { } priority ? new MessageTerm.OfPriority(priority) : null;
            case "age":
                expected = "age: takes > or < and a number with s, m, h, d or w, such as age:>1h";
                return Age(value);
            case "created":
                expected = $"created: takes > or < and a time, such as created:>2026-11-01T00:00:00Z. {Timestamps.Rule}";
                return Created(value);
            default:
                expected = "code: takes a reply code such as 550, or an enhanced status code or its beginning, such as 4.7.0 or 5.1";
                return Code(value);
        }
    }

    private static MessageTerm.InState? States(string value)
    {
        var states = value.ToLowerInvariant().Split(',').Select(WireNames.ParseState).ToArray();
        return states.Any(static one => one is null) ? null : new([.. states.Select(static one => one!.Value).Distinct()]);
    }

    private MessageTerm? Age(string value)
    {
        if (value.Length < 3 || value[0] is not ('<' or '>') || !Units.TryGetValue(char.ToLowerInvariant(value[^1]), out var unit))
            return null;
        if (!int.TryParse(value.AsSpan(1, value.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            return null;
        var at = now - count * unit;
        return value[0] == '>' ? new MessageTerm.Before(at) : new MessageTerm.Since(at);
    }

    private static MessageTerm? Created(string value)
    {
        if (value[0] is not ('<' or '>') || !Timestamps.TryRead(value.Substring(1), out var at))
            return null;
        return value[0] == '>' ? new MessageTerm.Since(at) : new MessageTerm.Before(at);
    }

    private static MessageTerm? Code(string value)
    {
        var parts = value.Split('.');
        if (parts.Length > 3 || !parts.All(static part => part.Length is 1 or 2 or 3 && part.All(char.IsAsciiDigit)))
            return null;
        if (value[0] is not ('2' or '4' or '5') || (parts.Length > 1 && parts[0].Length != 1))
            return null;
        if (parts.Length > 1)
            return new MessageTerm.EnhancedCode(value);
        var (number, span) = (
            int.Parse(value, CultureInfo.InvariantCulture),
            value.Length == 1 ? 100
            : value.Length == 2 ? 10
            : 1
        );
        return new MessageTerm.ReplyCode(number * span, number * span + span - 1);
    }

    // As it is stored: an international domain as A-labels.
    private static string Address(string written) => Addresses.ReadBare(written, out var mailbox) is null ? mailbox.Address : written;

    private static string Domain(string written) =>
        Addresses.ReadBare("a" + written, out var mailbox) is null ? mailbox.Address[2..] : written[1..];

    private static string At(SearchWord word, string expected) => $"At character {word.Place}: {expected.TrimEnd('.')}.";
}
