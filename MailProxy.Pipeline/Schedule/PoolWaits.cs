using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Why the mail of a pool's lane waits, told account by account. Pure.</summary>
internal static class PoolWaits
{
    /// <summary>When (milliseconds) a pool is looked at again whose accounts are only busy; the end of an attempt comes first.</summary>
    public const long Busy = 1_000;

    private const int Told = 5;

    /// <summary>
    /// The turn of a mail that may go by accounts only that cannot send now, one behind the other; null: an account that has no room for
    /// its domains has some earlier, or nothing is known.
    /// </summary>
    public static long? TurnOf(IReadOnlyList<(PoolCandidate Candidate, Candidacy Now)> accounts, long now)
    {
        MailLane? first = null;
        var (turn, room) = (long.MaxValue, long.MaxValue);
        foreach (var (candidate, state) in accounts)
        {
            if (state.State == CandidateState.NoRoom)
                room = Math.Min(room, state.Until ?? long.MaxValue);
            if (state.State is not (CandidateState.AtLimit or CandidateState.BackingOff or CandidateState.Busy or CandidateState.Probed))
                continue;
            var opens = Math.Max(candidate.Lane.PassedTurn, state.Until ?? now + Busy);
            if (opens < turn)
                (first, turn) = (candidate.Lane, opens);
        }

        if (first is null || turn >= room)
            return null;
        var limits = accounts.First(one => one.Candidate.Lane == first).Candidate.Account.Limits;
        first.PassedTurn = turn + Math.Max(LimitPace.Of(limits), PaceOf(first.Meter));
        return turn;
    }

    // As fast as mail went by it lately; who sent nothing yet is tried by one a second.
    private static long PaceOf(RateMeter meter) => (long)Math.Clamp(60_000 / Math.Max(1, meter.PerMinute), 1, 1_000);

    /// <summary>The wait of a lane whose first mail no account can take.</summary>
    public static LanePark Of(Pool pool, IReadOnlyList<(PoolCandidate Candidate, Candidacy Now)> accounts, long now)
    {
        var until = long.MaxValue;
        foreach (var (_, state) in accounts)
            until = Math.Min(until, state.State == CandidateState.Busy ? now + Busy : state.Until ?? long.MaxValue);
        var told = accounts.Take(Told).Select(static one => $"{one.Candidate.Account.Id}: {one.Now.Why}");
        var more = accounts.Count > Told ? $"; and {accounts.Count - Told} more" : "";
        var reason = $"no account of the pool '{pool.Id}' can send now: {string.Join("; ", told)}{more}";

        // Nothing that is known ends it; a change of an account or of the pool does. It is looked at again all the same.
        return new(until == long.MaxValue ? now + SchedulerWait.Longest : Math.Max(until, now + 1), reason) { OfPool = true };
    }
}
