using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Schedule;

/// <summary>One account of a pool, with the lane that tells how the account stands.</summary>
internal sealed class PoolCandidate(SmtpAccount account, int weight, MailLane lane)
{
    public SmtpAccount Account => account;
    public int Weight => weight;
    public MailLane Lane => lane;

    /// <summary>How much of its share it is behind; of the weighted strategy.</summary>
    public long Behind { get; set; }
}

/// <summary>Whether a pool's mail may go by an account now: a closed set.</summary>
internal enum CandidateState : byte
{
    Usable = 0,

    /// <summary>It may not send from the mail's From address.</summary>
    Excluded = 1,

    Paused = 2,
    BackingOff = 3,
    AtLimit = 4,

    /// <summary>It has as many attempts under way as it may have.</summary>
    Busy = 5,

    /// <summary>One mail tries it; until that has got through, nothing else goes by it.</summary>
    Probed = 6,

    /// <summary>Its limits for the domains that the mail goes to say not yet.</summary>
    NoRoom = 7,
}

/// <summary>How an account of a pool stands.</summary>
/// <param name="Until">Unix milliseconds when that ends; null: not by itself, or it is usable.</param>
/// <param name="Why">In words; null when it is usable.</param>
internal readonly record struct Candidacy(CandidateState State, long? Until = null, string? Why = null);

/// <summary>
/// Chooses the account that a pool's mail goes by. Pure: no clock, no I/O, no permits; whoever asks takes the permit, and asks again when
/// there is none.
/// </summary>
internal static class PoolRouter
{
    /// <summary>How an account stands for a mail.</summary>
    /// <param name="notBy">Ids of accounts that it may not go by, with commas between.</param>
    /// <param name="noRoom">Until when the account has no room for its domains (Unix milliseconds); null: it has.</param>
    public static Candidacy Of(PoolCandidate candidate, string? notBy, bool isBusy, long? noRoom = null)
    {
        var (account, lane) = (candidate.Account, candidate.Lane);
        if (notBy is not null && IsIn(notBy, account.Id))
            return new(CandidateState.Excluded, null, "it may not send from the message's From address");
        if (account.Paused)
            return new(CandidateState.Paused, null, "it is paused");
        if (lane.BackingOff is { } trouble)
            return new(CandidateState.BackingOff, trouble.Until, trouble.Reason);
        if (lane.AtLimit is { OfTenant: false } limit)
            return new(CandidateState.AtLimit, limit.Until, limit.Reason);
        if (lane.IsProbed)
            return new(CandidateState.Probed, null, "its circuit is half-open and one message tries it");
        if (isBusy)
            return new(CandidateState.Busy, null, "it has as many attempts under way as it may have");

        // Last: other mail may go by the account, and this must not keep it waiting.
        return noRoom is null ? default : new(CandidateState.NoRoom, noRoom, "its limits for the message's domains say not yet");
    }

    /// <summary>
    /// The account to go by; null: none now. With <see cref="PoolStrategy.Failover"/> also when the first that could send is only busy:
    /// that one is waited for.
    /// </summary>
    public static PoolCandidate? Choose(
        PoolStrategy strategy,
        IReadOnlyList<PoolCandidate> candidates,
        Func<PoolCandidate, CandidateState> stateOf
    )
    {
        if (strategy == PoolStrategy.Weighted)
            return Weigh(candidates, stateOf);
        foreach (var candidate in candidates)
        {
            var state = stateOf(candidate);
            if (state == CandidateState.Usable)
                return candidate;
            if (state == CandidateState.Busy && strategy == PoolStrategy.Failover)
                return null;
        }

        return null;
    }

    /// <summary>A mail did not go by the account that was chosen for it: of the weighted strategy, that is not charged.</summary>
    public static void Return(IReadOnlyList<PoolCandidate> candidates, AccountKey chosen)
    {
        var all = candidates.Sum(static candidate => candidate.Weight);
        foreach (var candidate in candidates)
        {
            var back = candidate.Behind + (candidate.Account.Key == chosen ? all : 0) - candidate.Weight;

            // Others may not have been able to send as it was chosen: what it owes or is owed stays within a round.
            candidate.Behind = Math.Clamp(back, -all, all);
        }
    }

    /// <summary>Whether an id is in a list with commas.</summary>
    public static bool IsIn(string list, string id)
    {
        foreach (var part in list.AsSpan().Split(','))
        {
            if (list.AsSpan(part).SequenceEqual(id))
                return true;
        }

        return false;
    }

    // Smooth weighted round robin: each that can send is credited with its weight, the one with most is charged with all.
    private static PoolCandidate? Weigh(IReadOnlyList<PoolCandidate> candidates, Func<PoolCandidate, CandidateState> stateOf)
    {
        PoolCandidate? best = null;
        var all = 0;
        foreach (var candidate in candidates)
        {
            if (stateOf(candidate) != CandidateState.Usable)
                continue;
            all += candidate.Weight;
            candidate.Behind += candidate.Weight;
            if (best is null || candidate.Behind > best.Behind)
                best = candidate;
        }

        if (best is not null)
            best.Behind -= all;
        return best;
    }
}
