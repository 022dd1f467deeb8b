using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>A circuit after something was said of its account, and the events to write of that.</summary>
/// <param name="IsNews">It is not as it was before.</param>
internal readonly record struct CircuitChange(Circuit Circuit, IReadOnlyList<EventType> Events, bool IsNews)
{
    /// <summary>It is a failure of its own, and not one of a moment that was counted.</summary>
    public bool IsFailure { get; init; }
}

/// <summary>The circuits of all accounts in trouble: when one opens, for how long, and what closes it. Pure, except for what it remembers.
/// </summary>
/// <remarks>
/// Several connections fail together, so trouble counts once until the account is tried again; after that only the message that tries it
/// counts. Mail that was under way when the trouble began proves nothing: its connection is older.
/// </remarks>
internal sealed class AccountCircuits(ReportOptions options, Func<double> chance)
{
    // A server may ask for any delay, but the account is tried again within this time in any case.
    private static readonly TimeSpan LongestNamed = TimeSpan.FromHours(8);

    private readonly Dictionary<AccountKey, Circuit> _circuits = [];

    /// <summary>Accounts in trouble.</summary>
    public int Count => _circuits.Count;

    public IReadOnlyCollection<Circuit> All => _circuits.Values;

    /// <summary>Null: the account's circuit is closed.</summary>
    public Circuit? Find(AccountKey account) => _circuits.GetValueOrDefault(account);

    /// <summary>An attempt met trouble of its account.</summary>
    /// <param name="isProbe">It was the message that tries an account whose circuit is half-open.</param>
    /// <param name="version">The account's.</param>
    public CircuitChange Trouble(AccountTrouble trouble, bool isProbe, long version, long now)
    {
        var was = Find(trouble.Account);
        return was is null || isProbe ? Open(was, trouble, version, now) : Lengthen(was, trouble, now);
    }

    /// <summary>Trouble that was said to another account of the same customer of the provider holds back this one until then too.</summary>
    public CircuitChange Share(Circuit origin, AccountTrouble trouble, long version, long now)
    {
        var was = Find(trouble.Account);
        if (was is not null && was.IsOpen(now) && was.Until >= origin.Until)
            return new(was, [], false);
        return Keep(
            new()
            {
                Trouble = trouble,
                Since = was?.Since ?? now,
                From = now,
                Until = origin.Until,
                Failures = Math.Max(1, was?.Failures ?? 0),
                Version = version,
                Told = was?.Told ?? [],
            }
        );
    }

    /// <summary>The message that tried an account got an answer. The circuit that this closes; null: none.</summary>
    public Circuit? Succeeded(AccountKey account, bool isProbe) => isProbe ? Close(account) : null;

    /// <summary>The circuit that was not closed before; null: there was none.</summary>
    public Circuit? Close(AccountKey account) => _circuits.Remove(account, out var closed) ? closed : null;

    /// <summary>The next message tries the account now. Null: it is not held back.</summary>
    public Circuit? ProbeNow(AccountKey account, long now)
    {
        if (Find(account) is not { } was)
            return null;
        return _circuits[account] = was with { From = Math.Min(was.From, now), Until = Math.Min(was.Until, now) };
    }

    /// <summary>Takes over what is known of the last run.</summary>
    public void Restore(Circuit circuit) => _circuits[circuit.Account] = circuit;

    /// <summary>After a configuration change: forgets the trouble of accounts whose version has changed, and returns what it was.</summary>
    public IReadOnlyList<Circuit> Forget(Func<AccountKey, long?> version)
    {
        Circuit[] changed = [.. _circuits.Values.Where(known => version(known.Account) != known.Version)];
        foreach (var circuit in changed)
            _circuits.Remove(circuit.Account);
        return changed;
    }

    private CircuitChange Open(Circuit? was, AccountTrouble trouble, long version, long now)
    {
        var count = was?.Failures ?? 0;
        var wait = trouble.RetryAfter is { } named
            ? Named(named)
            : RetryPolicy.Spread(Step(trouble, trouble.Rule == was?.Trouble.Rule ? count : 0, count), options.Jitter, chance());
        return Keep(
            new()
            {
                Trouble = trouble,
                Since = was?.Since ?? now,
                From = now,
                Until = now + Milliseconds(wait),
                Failures = count + 1,
                Version = version,
                Told = was?.Told ?? [],
            }
        ) with
        {
            IsFailure = true,
        };
    }

    // Another one of the same moment, or one that was under way for long: it can make the wait longer, and no more.
    private CircuitChange Lengthen(Circuit was, AccountTrouble trouble, long now)
    {
        if (!was.IsOpen(now))
            return new(was, [], false);
        var until = trouble.RetryAfter is { } longer ? Math.Max(was.Until, now + Milliseconds(Named(longer))) : was.Until;

        // Another rule says more of the same trouble: a limit by day is behind what first looked like one by second.
        if (trouble is { Steps: [var step, ..], Rule: { } rule } && rule != was.Trouble.Rule)
        {
            var ruled = Math.Max(until, now + Milliseconds(step));
            return Keep(was with { Trouble = ruled > until ? trouble : was.Trouble with { Rule = rule }, Until = ruled });
        }

        return until == was.Until ? new(was, [], false) : Keep(was with { Until = until });
    }

    private CircuitChange Keep(Circuit circuit)
    {
        EventType[] news = [.. Events(circuit.Trouble.Kind).Except(circuit.Told)];
        circuit = circuit with { Told = [.. circuit.Told, .. news] };
        _circuits[circuit.Account] = circuit;
        return new(circuit, news, true);
    }

    private TimeSpan Step(AccountTrouble trouble, int byRule, int count)
    {
        if (trouble.Steps is { Count: > 0 } steps)
            return steps[Math.Min(byRule, steps.Count - 1)];
        var first = trouble.Kind == TroubleKind.Authentication ? options.AuthenticationBackoffFirst : options.AccountBackoffFirst;
        var wait = first * Math.Pow(2, Math.Min(count, 30));
        return wait < options.AccountBackoffLongest ? wait : options.AccountBackoffLongest;
    }

    private static TimeSpan Named(TimeSpan named) =>
        named < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1)
        : named > LongestNamed ? LongestNamed
        : named;

    private static long Milliseconds(TimeSpan wait) => (long)wait.TotalMilliseconds;

    // A server that asks for less has not failed.
    private static EventType[] Events(TroubleKind kind) =>
        kind switch
        {
            TroubleKind.Authentication => [EventType.AccountAuthFailed, EventType.AccountCircuitOpened],
            TroubleKind.Throttled => [EventType.AccountThrottled],
            _ => [EventType.AccountCircuitOpened],
        };
}
