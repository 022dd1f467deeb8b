using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Profiles;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Send;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Profiles;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ReplyJudgeTests
{
    // Twice within an hour: see google/unusual-rate.
    private const string Unusual = "4.7.28 Gmail has detected an unusual rate of unsolicited mail";

    private readonly FakeTimeProvider _clock = new();
    private readonly LogRecorder _log = new();
    private readonly PipelineMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());
    private readonly ReplyJudge _judge;
    private readonly SmtpAccount _account = Sample.Account(25) with { Host = "aspmx.l.google.com" };

    public ReplyJudgeTests() => _judge = new(ProfileSet.Shipped, _clock, _metrics, _log);

    [Test]
    public void Judge_Threshold_SpeaksFromTheSecondWithinTheTime()
    {
        Assert.That(Judge(Unusual), Is.Null);
        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.That(Judge(Unusual)?.Name, Is.EqualTo("unusual-rate"));
        Assert.That(Judge(Unusual)?.Name, Is.EqualTo("unusual-rate"), "as long as they are frequent");
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.That(Judge(Unusual), Is.Null, "expired");
    }

    [Test]
    public void Judge_Threshold_CountsEachAccountAndDomainForItself()
    {
        Assert.That(Judge(Unusual, "a.example"), Is.Null);
        Assert.That(Judge(Unusual, "b.example"), Is.Null);
        Assert.That(_judge.Judge(_account with { Key = new(8) }, ReplyPhase.Final, 421, Unusual, static _ => "a.example"), Is.Null);
        Assert.That(Judge(Unusual, "a.example"), Is.Not.Null);
    }

    [Test]
    public void Judge_AccountGone_ItsCountIsForgotten()
    {
        Judge(Unusual);
        _judge.Forget(key => key == _account.Key);
        Assert.That(Judge(Unusual), Is.Null);
    }

    [Test]
    public void Judge_Matched_IsCountedByProfileAndRule()
    {
        Judge(Unusual);
        Assert.That(_metrics.RulesMatched.GetAllLabelValues(), Is.Empty, "below its threshold");
        Judge(Unusual);
        Assert.That(_metrics.RulesMatched.WithLabels("google", "unusual-rate").Value, Is.EqualTo(1));
    }

    [Test]
    public void Judge_WhatIsForAPerson_IsToldOnceAnHour()
    {
        const string refused = "5.7.8 Username and Password not accepted";
        for (var i = 0; i < 3; i++)
            _judge.Judge(_account, ReplyPhase.Authenticate, 535, refused, static _ => null);
        Assert.That(Told, Is.EqualTo(1));
        _clock.Advance(TimeSpan.FromHours(1));
        _judge.Judge(_account, ReplyPhase.Authenticate, 535, refused, static _ => null);
        Assert.That(Told, Is.EqualTo(2));
    }

    [Test]
    public void Tally_EndlessDomains_StaysBounded()
    {
        var tally = new RuleTally(_clock);
        var rule = ProfileSet.Shipped.For("aspmx.l.google.com").Judge(ReplyPhase.Final, 421, Unusual)!;
        for (var i = 0; i < 3 * RuleTally.Most; i++)
        {
            tally.Add(new(1), rule, $"d{i}.example", 2, TimeSpan.FromHours(1));
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.That(tally.Count, Is.AtMost(RuleTally.Most));
        Assert.That(
            tally.Add(new(1), rule, $"d{3 * RuleTally.Most - 1}.example", 2, TimeSpan.FromHours(1)),
            Is.EqualTo(2),
            "the latest stay"
        );
    }

    private int Told =>
        _log.Lines.Count(static line =>
            line.Level == LogLevel.Warning && line.Text.Contains("told once an hour", StringComparison.Ordinal)
        );

    private ReplyRule? Judge(string text, string domain = "x.example") =>
        _judge.Judge(_account, ReplyPhase.Final, 421, text, scope => scope == RuleScope.Destination ? domain : null);
}
