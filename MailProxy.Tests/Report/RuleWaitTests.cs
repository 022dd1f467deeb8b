using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Report;
using NUnit.Framework;
using static MailProxy.Tests.Report.Mails;

namespace MailProxy.Tests.Report;

/// <summary>The waits that rules of profiles name.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class RuleWaitTests
{
    private readonly AccountCircuits _circuits = new(new ReportOptions(), () => 0.5);
    private readonly Settler _settler = new(new ReportOptions(), static _ => null, () => 0.5);

    [Test]
    public void Trouble_WithSteps_FollowsThemAndRepeatsTheLast() =>
        Assert.That(Waits(Trouble("a/x", 5, 10, 30, 1200), 5), Is.EqualTo(new long[] { 5, 10, 30, 1200, 1200 }));

    [Test]
    public void Trouble_AnotherRule_BeginsWithItsFirstStep()
    {
        var now = Until(Trouble("a/x", 5, 10), Now);
        now = Until(Trouble("a/x", 5, 10), now, isProbe: true);
        Assert.That(Until(Trouble("a/y", 2, 60), now, isProbe: true), Is.EqualTo(now + 2_000));
    }

    [Test]
    public void Trouble_AnotherRuleInTheSameSpell_Lengthens()
    {
        Until(Trouble("a/rate", 2), Now);
        Assert.That(Until(Trouble("a/daily", 3600), Now + 1), Is.EqualTo(Now + 1 + 3_600_000));
        Assert.That(_circuits.Find(Account)!.Trouble.Rule, Is.EqualTo("a/daily"));
        Assert.That(Until(Trouble("a/daily", 3600), Now + 2), Is.EqualTo(Now + 1 + 3_600_000), "told again is nothing new");
        Assert.That(Until(Trouble("a/rate", 2), Now + 3), Is.EqualTo(Now + 1 + 3_600_000), "and never shortens");
    }

    [Test]
    public void Trouble_QuotaNeedingAPerson_OpensTheCircuit() =>
        Assert.That(
            _circuits.Trouble(new(Account, TroubleKind.Quota, 550, "5.7.705", "no"), false, 1, Now).Events,
            Is.EqualTo(new[] { Pipeline.Mail.EventType.AccountCircuitOpened })
        );

    [TestCase(0, 300, 300)]
    [TestCase(2, 300, 900)]
    [TestCase(0, 86_400, 28_800)]
    public void Attempted_LeastWait_StretchesTheScheduleUpToItsLongestStep(int round, int least, int expected)
    {
        var verdict = Verdicts("D")[0] with { LeastWait = TimeSpan.FromSeconds(least), Rule = "any/greylisted" };
        var settlement = _settler.Attempted(Ticket(), Content(1, new() { Round = round }), [verdict], Now);
        Assert.That(((Pipeline.Storage.QueueStep.Again)settlement.Step).Due - Now, Is.EqualTo(1000L * expected));
    }

    [Test]
    public void Attempted_ByARule_TheEventNamesIt()
    {
        RecipientVerdict[] verdicts = [Verdicts("DA")[0] with { Rule = "any/greylisted" }, Verdicts("DA")[1]];
        var told = _settler.Attempted(Ticket(), Content(2), verdicts, Now).Events.Single();
        var listed = Detail(told).GetProperty("recipients").EnumerateArray().ToArray();
        Assert.That(listed[0].GetProperty("rule").GetString(), Is.EqualTo("any/greylisted"));
        Assert.That(listed[1].TryGetProperty("rule", out _), Is.False);
    }

    private List<long> Waits(AccountTrouble trouble, int times)
    {
        var (now, waits) = (Now, new List<long>());
        for (var i = 0; i < times; i++)
        {
            var until = Until(trouble, now, isProbe: i > 0);
            waits.Add((until - now) / 1000);
            now = until;
        }

        return waits;
    }

    private long Until(AccountTrouble trouble, long now, bool isProbe = false) => _circuits.Trouble(trouble, isProbe, 1, now).Circuit.Until;

    private static AccountTrouble Trouble(string rule, params int[] seconds) =>
        new(Account, TroubleKind.Throttled, 454, "4.7.0", "slow down")
        {
            Rule = rule,
            Steps = [.. seconds.Select(static one => TimeSpan.FromSeconds(one))],
        };
}
