using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>How long an account in trouble is paused. Pure, except for what it remembers.</summary>
/// <remarks>
/// Several connections fail together, so trouble counts once per pause. A mail that was under way when the trouble began proves nothing,
/// so
/// a success counts only after the pause.
/// </remarks>
internal sealed class AccountBackoff(ReportOptions options, Func<double> chance)
{
    // A server may ask for any delay, but the account is tried again within this time in any case.
    private static readonly TimeSpan LongestNamed = TimeSpan.FromHours(8);

    private readonly Dictionary<AccountKey, Spell> _spells = [];

    /// <summary>Returns until when to pause the account, and the event to write when the kind of trouble is new.</summary>
    public (long Until, EventType? Event) Trouble(AccountTrouble trouble, long version, long now)
    {
        var reported = Event(trouble.Kind);
        _spells.TryGetValue(trouble.Account, out var spell);
        if (spell.Holds(now))
        {
            if (trouble.RetryAfter is { } longer)
                spell.Until = Math.Max(spell.Until, now + Milliseconds(Named(longer)));

            // Another rule says more of the same trouble: a limit by day is behind what first looked like one by second.
            if (trouble is { Steps: [var step, ..], Rule: { } rule } && rule != spell.Rule)
            {
                spell.Until = Math.Max(spell.Until, now + Milliseconds(step));
                spell.Rule = rule;
            }

            _spells[trouble.Account] = spell;
            return (spell.Until, null);
        }

        var wait = trouble.RetryAfter is { } named
            ? Named(named)
            : RetryPolicy.Spread(Step(trouble, trouble.Rule == spell.Rule ? spell.Count : 0, spell.Count), options.Jitter, chance());
        _spells[trouble.Account] = new(spell.Count + 1, now, now + Milliseconds(wait), reported, version) { Rule = trouble.Rule };
        return (now + Milliseconds(wait), spell.Reported == reported ? null : reported);
    }

    /// <summary>A server answered a mail of this account. Returns true when that ends the account's trouble.</summary>
    public bool Succeeded(AccountKey account, long now) =>
        _spells.TryGetValue(account, out var spell) && !spell.Holds(now) && _spells.Remove(account);

    /// <summary>After a configuration change: forgets the trouble of accounts whose version has changed, and returns those
    /// accounts.</summary>
    public IReadOnlyList<AccountKey> Forget(Func<AccountKey, long?> version)
    {
        AccountKey[] changed = [.. _spells.Where(known => version(known.Key) != known.Value.Version).Select(known => known.Key)];
        foreach (var account in changed)
            _spells.Remove(account);
        return changed;
    }

    private TimeSpan Step(AccountTrouble trouble, int byRule, int count)
    {
        if (trouble.Steps is { Count: > 0 } steps)
            return steps[Math.Min(byRule, steps.Count - 1)];
        var kind = trouble.Kind;
        var first = kind == TroubleKind.Authentication ? options.AuthenticationBackoffFirst : options.AccountBackoffFirst;
        var wait = first * Math.Pow(2, Math.Min(count, 30));
        return wait < options.AccountBackoffLongest ? wait : options.AccountBackoffLongest;
    }

    private static TimeSpan Named(TimeSpan named) =>
        named < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1)
        : named > LongestNamed ? LongestNamed
        : named;

    private static long Milliseconds(TimeSpan wait) => (long)wait.TotalMilliseconds;

    private static EventType Event(TroubleKind kind) =>
        kind switch
        {
            TroubleKind.Authentication => EventType.AccountAuthFailed,
            TroubleKind.Throttled => EventType.AccountThrottled,
            _ => EventType.AccountCircuitOpened,
        };

    private record struct Spell(int Count, long From, long Until, EventType? Reported, long Version)
    {
        public string? Rule { get; set; }

        // A time before the beginning means that the clock was set back; the account must not wait that hour in addition.
        public readonly bool Holds(long now) => now >= From && now < Until;
    }
}
