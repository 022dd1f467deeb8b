namespace MailProxy.Pipeline.Profiles;

/// <summary>What a provider advises its customers, and senders to its users, to keep to. Nothing is ever raised by it.</summary>
/// <param name="Connections">At the same time.</param>
/// <param name="IdleSeconds">After which the server ends an idle connection.</param>
/// <param name="RecipientsPerDay">In any 24 hours.</param>
public sealed record ProviderAdvice(
    int? Connections = null,
    int? MessagesPerConnection = null,
    int? PerSecond = null,
    int? PerMinute = null,
    int? RecipientsPerDay = null,
    int? IdleSeconds = null,
    string? Note = null
);

/// <summary>What is known of a family of servers: its hosts, what it advises, and what its replies mean. Immutable.</summary>
public sealed class ProviderProfile
{
    private const int FirstCode = 400,
        Codes = 200;

    private readonly ReplyRule[] _all;

    // Made as replies ask for them: most codes never come.
    private readonly ReplyRule[]?[] _byCode = new ReplyRule[]?[Codes];

    /// <param name="rules">In the order in which they are asked.</param>
    /// <param name="common">Asked after those: the rules for every host.</param>
    public ProviderProfile(string name, IReadOnlyList<HostPattern> hosts, IReadOnlyList<ReplyRule> rules, IReadOnlyList<ReplyRule> common)
    {
        (Name, Hosts, Rules) = (name, hosts, rules);
        _all = [.. rules, .. common];
    }

    public string Name { get; }
    public IReadOnlyList<HostPattern> Hosts { get; }

    /// <summary>Its own, without those for every host.</summary>
    public IReadOnlyList<ReplyRule> Rules { get; }

    /// <summary>The servers are where the mail ends (MX), not relays: a reply about a destination is about all that goes there.</summary>
    public bool IsDestination { get; init; }

    public ProviderAdvice Advice { get; init; } = new();

    /// <summary>The first rule that speaks of a reply; null: none, and the built-in judgement by code and phase stands. It takes
    /// microseconds, whatever the length of the text.</summary>
    public ReplyRule? Judge(ReplyPhase phase, int code, string text)
    {
        if (code is < FirstCode or >= FirstCode + Codes || OfCode(code) is not { Length: > 0 } candidates)
            return null;
        var reply = ReplyText.Of(text);
        foreach (var rule in candidates)
        {
            if (rule.Matches(phase, reply))
                return rule;
        }

        return null;
    }

    private ReplyRule[] OfCode(int code) =>
        _byCode[code - FirstCode] ??= Array.FindAll(_all, rule => rule.Codes.Any(range => code >= range.From && code <= range.To));
}
