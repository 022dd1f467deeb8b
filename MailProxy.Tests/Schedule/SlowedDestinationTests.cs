using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>Domains for which an account's provider asked for less.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SlowedDestinationTests
{
    private readonly StepClock _clock = new();
    private readonly CurrentAccounts _accounts = new();
    private DestinationGate _gate = null!;

    private SmtpAccount Own => _accounts.Directory.All.First();

    private void Start(AccountLimits? limits = null, AccountLimits? forX = null, int most = 50_000, int version = 1)
    {
        Set(limits, forX, version);
        _gate = new(_accounts, _clock, most: most);
    }

    private void Set(AccountLimits? limits = null, AccountLimits? forX = null, int version = 1) =>
        _accounts.Swap(
            new(
                [
                    Account(
                        A,
                        (limits ?? AccountLimits.None) with
                        {
                            Destinations = forX is null ? null : new(new Dictionary<string, AccountLimits> { ["x.example"] = forX }),
                        },
                        version
                    ),
                ],
                null
            )
        );

    private void Slow(double? factor = null, int? perMinute = null, double measured = 60, string to = "x.example", long? tried = null) =>
        _gate.Slow(Own, new(Own.Key, to, new(factor, perMinute, TimeSpan.FromMinutes(1)), "relay/busy: not so fast", tried), measured);

    private DestinationAnswer Ask(string to = "x.example", long due = 0) =>
        _gate.Ask(new(Ticket(1, A, due: due), Own.Key, new Send.Sample.Permit()), Own, Send.Sample.Content(recipients: [$"a@{to}"]));

    private double? RateOf(string to = "x.example") => _gate.Usage(Own).FirstOrDefault(usage => usage.Domain == to)?.Adapted?.PerMinute;

    [Test]
    public void NothingIsSlowed_NothingIsAsked()
    {
        Start();
        Assert.That(_gate.Questions.Concern(Own), Is.False);
        Slow(perMinute: 10);
        Assert.That(_gate.Questions.Concern(Own), Is.True);
        Assert.That(_gate.Questions.Concern(Account(B)), Is.False, "another account");
        Assert.That((_gate.Slowed, _gate.Count), Is.EqualTo((1, 1)));
    }

    [Test]
    public void Slowed_TheRestWaitsInLineAndOtherDomainsGo()
    {
        Start();
        Slow(perMinute: 10);
        ((DestinationAnswer.May)Ask()).Permit.Spend();

        long[] turns = [.. Enumerable.Range(0, 3).Select(_ => ((DestinationAnswer.Later)Ask()).At - _clock.Now)];

        Assert.That(turns, Is.EqualTo(new[] { 6_000L, 12_000, 18_000 }).Within(5));
        Assert.That(((DestinationAnswer.Later)Ask()).Reason, Does.Contain("waits already"));
        for (var i = 0; i < 50; i++)
            Assert.That(Ask("y.example"), Is.InstanceOf<DestinationAnswer.May>());
        _clock.Advance(TimeSpan.FromSeconds(7));
        Assert.That(Ask(due: _clock.Now), Is.InstanceOf<DestinationAnswer.May>());
        var hold = _gate.HoldOf(Own, ["x.example"])!;
        Assert.That(hold.Slowed, Does.Contain("slowed to 10 messages a minute (relay/busy: not so fast)"));
    }

    [Test]
    public void Slowed_Unspent_ComesBack()
    {
        Start();
        Slow(perMinute: 10);
        var permit = ((DestinationAnswer.May)Ask()).Permit;
        permit.Dispose();
        permit.Dispose();
        Assert.That(Ask(), Is.InstanceOf<DestinationAnswer.May>());
        Assert.That(Ask(), Is.InstanceOf<DestinationAnswer.Later>(), "and once only");
    }

    [Test]
    public void Throttled_ByAShareOfWhatWent_AndOnceForWhatWasUnderWay()
    {
        Start();
        var tried = _clock.Now;
        _clock.Advance(TimeSpan.FromSeconds(1));
        Slow(factor: 0.5, measured: 60, tried: tried);
        Assert.That(RateOf(), Is.EqualTo(30));
        Slow(factor: 0.5, tried: tried);
        Assert.That(RateOf(), Is.EqualTo(30), "an attempt from before");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Slow(factor: 0.5, tried: _clock.Now);
        Assert.That(RateOf(), Is.EqualTo(15));
    }

    [Test]
    public void GoesWell_ItGrowsByATenthToTheLimitAndIsOver()
    {
        Start(forX: new(PerMinute: 30, Paced: false));
        Slow(factor: 0.5, measured: 100);
        Assert.That(_gate.Usage(Own).Single().Adapted, Has.Property("PerMinute").EqualTo(15).And.Property("Ceiling").EqualTo(30));
        var rates = new List<double>();
        for (var minute = 0; minute < 10 && RateOf() is { } rate; minute++)
        {
            rates.Add(rate);
            ((DestinationAnswer.May)Ask(due: 1)).Permit.Spend();
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.That(rates, Is.EqualTo(new[] { 15.0, 18, 21, 24, 27 }));
        var opened = new List<Pipeline.Mail.AccountKey>();
        _gate.Opened += opened.Add;
        _gate.Trim();
        Assert.That((_gate.Slowed, opened.Count), Is.EqualTo((0, 1)), "what waits is looked at again");
    }

    [Test]
    public void Slowed_ToMoreThanItsLimit_IsNeverAboveThat()
    {
        Start(forX: new(PerMinute: 2, Paced: false));
        Slow(perMinute: 60_000, measured: 60_000);
        ((DestinationAnswer.May)Ask(due: 1)).Permit.Spend();
        Assert.That(((DestinationAnswer.Later)Ask(due: 1)).Reason, Does.Contain("slowed to 2 messages a minute"));
    }

    [Test]
    public void Slowed_WhoseMailFailsAtALimit_WaitsAllTheSame()
    {
        Start(new(WhenReached: LimitReached.Fail));
        Slow(perMinute: 1);
        Ask();
        Assert.That(Ask(), Is.InstanceOf<DestinationAnswer.Later>());
    }

    [Test]
    public void Reset_GoesAsBefore()
    {
        Start();
        Assert.That(_gate.Reset(Own.Key), Is.False);
        Slow(perMinute: 1);
        Ask();
        Assert.That(_gate.Reset(Own.Key), Is.True);
        Assert.That((Ask(), _gate.Slowed), Is.EqualTo((Ask(), 0)).Using<DestinationAnswer>(static (a, b) => a.GetType() == b.GetType()));
        Assert.That(_gate.Questions.Concern(Own), Is.False);
    }

    [Test]
    public void AccountChangedOrGone_IsForgotten([Values] bool gone)
    {
        Start();
        Slow(perMinute: 1);
        if (gone)
            _accounts.Swap(new([Account(B)], null));
        else
            Set(version: 2);
        _gate.Trim();
        Assert.That((_gate.Slowed, _gate.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public void AnHourOfSilence_IsForgotten()
    {
        Start();
        Slow(perMinute: 1);
        _clock.Advance(TimeSpan.FromMinutes(63));
        _gate.Trim();
        Assert.That((_gate.Slowed, _gate.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public void ManyDomains_AreBounded()
    {
        Start();
        for (var i = 0; i < 100_000; i++)
            Slow(perMinute: 1, to: $"d{i}.example");
        Assert.That((_gate.Slowed, _gate.Count), Is.EqualTo((1_000, 1_000)), "of one account");
        Start(most: 100);
        for (var i = 0; i < 1_000; i++)
            Slow(perMinute: 1, to: $"d{i}.example");
        Assert.That(_gate.Slowed, Is.EqualTo(50), "half of all there may be");
    }

    // A day in which the provider takes so many and throttles beyond, and mail always waits: it finds the rate that is taken.
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void ADay_TheProviderTakesSoMany_TheRateStaysAroundItAndBelowTheLimit(int seed)
    {
        const int taken = 40,
            limit = 60;
        Start(forX: new(PerMinute: limit, Paced: false));
        var random = new Random(seed);
        var (exact, provider) = (new ExactWindow(60, limit), new Queue<long>());
        var (sent, throttled) = (0, 0);
        var end = _clock.Now + 86_400_000;
        for (var due = 0L; _clock.Now < end; )
        {
            switch (Ask(due: due))
            {
                case DestinationAnswer.May may:
                    may.Permit.Spend();
                    Assert.That(exact.Add(_clock.Now, 1), Is.True, "above the limit");
                    while (provider.TryPeek(out var at) && at <= _clock.Now - 60_000)
                        provider.Dequeue();
                    if (provider.Count >= taken)
                    {
                        throttled++;
                        Slow(factor: 0.7, measured: limit, tried: _clock.Now);
                    }
                    else
                    {
                        sent++;
                        provider.Enqueue(_clock.Now);
                    }

                    due = 0;
                    _clock.Advance(TimeSpan.FromMilliseconds(random.Next(1, 200)));
                    break;
                case DestinationAnswer.Later later:
                    Assert.That(later.At, Is.GreaterThan(_clock.Now));
                    due = later.At;
                    _clock.Advance(TimeSpan.FromMilliseconds(later.At - _clock.Now));
                    break;
            }
        }

        Assert.That(sent / (1_440.0 * taken), Is.GreaterThan(0.7));
        Assert.That(throttled, Is.LessThan(sent / 50), "it does not run into it again and again");
    }
}
