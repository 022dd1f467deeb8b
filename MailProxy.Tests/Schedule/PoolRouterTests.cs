using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;

namespace MailProxy.Tests.Schedule;

/// <summary>Which account of a pool a mail goes by.</summary>
internal sealed class PoolRouterTests
{
    private static PoolCandidate Candidate(int number, int weight = 1, bool paused = false) =>
        new(Tickets.Account(new(number)) with { Paused = paused }, weight, new(new LaneKey(number)));

    private static string? Choose(PoolStrategy strategy, params CandidateState[] states)
    {
        PoolCandidate[] all = [.. states.Select((_, i) => Candidate(i + 1))];
        return PoolRouter.Choose(strategy, all, candidate => states[candidate.Account.Key.Number - 1])?.Account.Id;
    }

    [TestCase(PoolStrategy.Failover, "account-1", CandidateState.Usable, CandidateState.Usable)]
    [TestCase(PoolStrategy.Failover, "account-2", CandidateState.Paused, CandidateState.Usable)]
    [TestCase(PoolStrategy.Failover, "account-2", CandidateState.AtLimit, CandidateState.Usable)]
    [TestCase(PoolStrategy.Failover, "account-2", CandidateState.BackingOff, CandidateState.Usable)]
    [TestCase(PoolStrategy.Failover, "account-2", CandidateState.Excluded, CandidateState.Usable)]
    [TestCase(PoolStrategy.Failover, null, CandidateState.Busy, CandidateState.Usable)]
    [TestCase(PoolStrategy.Failover, null, CandidateState.BackingOff, CandidateState.AtLimit)]
    [TestCase(PoolStrategy.Overflow, "account-2", CandidateState.Busy, CandidateState.Usable)]
    [TestCase(PoolStrategy.Overflow, "account-1", CandidateState.Usable, CandidateState.Usable)]
    [TestCase(PoolStrategy.Overflow, null, CandidateState.Busy, CandidateState.Busy)]
    [TestCase(PoolStrategy.Weighted, "account-2", CandidateState.Busy, CandidateState.Usable)]
    [TestCase(PoolStrategy.Weighted, null, CandidateState.Paused, CandidateState.AtLimit)]
    public void Choose_ByStrategy_TakesWhatTheStrategySays(PoolStrategy strategy, string? chosen, params CandidateState[] states) =>
        Assert.That(Choose(strategy, states), Is.EqualTo(chosen));

    [Test]
    public void Weighted_AnyRun_IsInProportionAtEveryStep([Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        PoolCandidate[] all = [.. Enumerable.Range(1, 4).Select(n => Candidate(n, random.Next(1, 20)))];
        var taken = all.ToDictionary(static c => c, static _ => 0);
        var weights = all.Sum(static c => c.Weight);
        for (var step = 1; step <= 2_000; step++)
        {
            taken[PoolRouter.Choose(PoolStrategy.Weighted, all, static _ => CandidateState.Usable)!]++;
            foreach (var candidate in all)
            {
                var share = (double)step * candidate.Weight / weights;
                Assert.That(taken[candidate], Is.EqualTo(share).Within(all.Length), $"step {step}");
            }
        }
    }

    [Test]
    public void Of_EachReason_ComesInTheOrderOfWhoCanEndIt()
    {
        var candidate = Candidate(1);
        Assert.That(PoolRouter.Of(candidate, null, false).State, Is.EqualTo(CandidateState.Usable));
        Assert.That(PoolRouter.Of(candidate, null, true).State, Is.EqualTo(CandidateState.Busy));
        candidate.Lane.AtLimit = new(70, "used 1 of 1 per hour") { OfTenant = true };
        Assert.That(PoolRouter.Of(candidate, null, false).State, Is.EqualTo(CandidateState.Usable), "the tenant's limit is asked for anew");
        candidate.Lane.AtLimit = new(70, "used 1 of 1 per hour");
        Assert.That(PoolRouter.Of(candidate, null, true), Is.EqualTo(new Candidacy(CandidateState.AtLimit, 70, "used 1 of 1 per hour")));
        candidate.Lane.BackingOff = new(90, "Connect: refused");
        Assert.That(PoolRouter.Of(candidate, null, true), Is.EqualTo(new Candidacy(CandidateState.BackingOff, 90, "Connect: refused")));
        Assert.That(PoolRouter.Of(Candidate(1, paused: true), null, true).State, Is.EqualTo(CandidateState.Paused));
        Assert.That(PoolRouter.Of(candidate, "account-1", false).State, Is.EqualTo(CandidateState.Excluded));
    }

    [TestCase("a", true)]
    [TestCase("b,a", true)]
    [TestCase("a,b", true)]
    [TestCase("ab,ba", false)]
    [TestCase("", false)]
    public void IsIn_OnlyAWholeId_IsFound(string list, bool found) => Assert.That(PoolRouter.IsIn(list, "a"), Is.EqualTo(found));
}
