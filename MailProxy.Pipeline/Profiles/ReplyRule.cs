namespace MailProxy.Pipeline.Profiles;

/// <summary>One rule of a profile: which replies it speaks of, and what it asks for. Immutable.</summary>
public sealed record ReplyRule
{
    /// <summary>The profile that the rule stands in.</summary>
    public required string Profile { get; init; }

    public required string Name { get; init; }

    /// <summary>As events, logs and metrics name it: <c>profile/name</c>.</summary>
    public string FullName { get; init; } = "";

    /// <summary>Reply codes, 400 to 599: from, and including, to.</summary>
    public required IReadOnlyList<(int From, int To)> Codes { get; init; }

    /// <summary>Enhanced codes (RFC 3463), of which the reply has one; empty: any, or none.</summary>
    public IReadOnlyList<EnhancedPattern> Enhanced { get; init; } = [];

    /// <summary>What the text must contain; null: anything.</summary>
    public TextPattern? Text { get; init; }

    /// <summary>What the reply answers; empty: anything.</summary>
    public IReadOnlyList<ReplyPhase> Phases { get; init; } = [];

    public required RuleScope Scope { get; init; }
    public required RuleAction Action { get; init; }

    /// <summary>How long it rests at once, 1 s to 24 h: the first time, the second in a row …; the last repeats.</summary>
    public IReadOnlyList<TimeSpan> Waits { get; init; } = [];

    /// <summary>How long the effect stays, 1 s to 30 days; null: until it is over by itself.</summary>
    public TimeSpan? Lasts { get; init; }

    /// <summary>The rule speaks only at the so many-th match (2 to 100) within <see cref="Within"/>; 1: at each.</summary>
    public int Times { get; init; } = 1;

    /// <summary>1 s to 24 h.</summary>
    public TimeSpan Within { get; init; }

    /// <summary>The rate from now on, as a share of that until now, 0.01 to 0.99.</summary>
    public double? RateFactor { get; init; }

    /// <summary>Messages a minute from now on, 1 to 100,000.</summary>
    public int? PerMinute { get; init; }

    /// <summary>Connections at most from now on, 1 to 1,000.</summary>
    public int? Connections { get; init; }

    /// <summary>So many connections fewer than there are, 1 to 100.</summary>
    public int? FewerConnections { get; init; }

    /// <summary>Messages a connection from now on, 1 to 10,000.</summary>
    public int? MessagesPerConnection { get; init; }

    /// <summary>As many messages a connection as this one has carried.</summary>
    public bool LearnMessages { get; init; }

    /// <summary>The retry goes by the same account.</summary>
    public bool SameAccount { get; init; }

    /// <summary>A new OAuth2 token is tried once before the circuit opens.</summary>
    public bool RefreshToken { get; init; }

    public CircuitKind? Circuit { get; init; }

    /// <summary>What a person can do, in a sentence.</summary>
    public string? Remedy { get; init; }

    /// <summary>A person should look, though the program goes on by itself.</summary>
    public bool Alarm { get; init; }

    /// <summary>Whether the rule speaks of a reply whose code is one of <see cref="Codes"/>.</summary>
    public bool Matches(ReplyPhase phase, in ReplyText reply) =>
        (Phases.Count == 0 || Phases.Contains(phase)) && HasEnhanced(reply.Enhanced) && (Text is null || Text.IsIn(reply.Words));

    private bool HasEnhanced(string? code)
    {
        if (Enhanced.Count == 0)
            return true;
        if (code is null)
            return false;
        foreach (var one in Enhanced)
        {
            if (one.Matches(code))
                return true;
        }

        return false;
    }
}
