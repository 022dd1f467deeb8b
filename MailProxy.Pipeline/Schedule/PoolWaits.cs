using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Schedule;

/// <summary>Why the mail of a pool's lane waits, told account by account. Pure.</summary>
internal static class PoolWaits
{
    /// <summary>When (milliseconds) a pool is looked at again whose accounts are only busy; the end of an attempt comes first.</summary>
    private const long Busy = 1_000;

    private const int Told = 5;

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
