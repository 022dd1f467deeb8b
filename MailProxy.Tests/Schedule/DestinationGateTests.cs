using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>Limits of an account for mail to one domain each.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class DestinationGateTests
{
    private readonly StepClock _clock = new();
    private readonly CurrentAccounts _accounts = new();
    private FreePermit? _permit; // of the last that was asked

    private DestinationGate Gate(int most = 50_000, AccountLimits? all = null, params (string Domain, AccountLimits Limits)[] limits)
    {
        Set(all, limits);
        return new(_accounts, _clock, most: most);
    }

    private void Set(AccountLimits? all, params (string Domain, AccountLimits Limits)[] limits) =>
        _accounts.Swap(
            new(
                [
                    Account(
                        A,
                        (all ?? AccountLimits.None) with
                        {
                            Destinations = new(limits.ToDictionary(static one => one.Domain, static one => one.Limits)),
                        }
                    ),
                ],
                null
            )
        );

    private SmtpAccount Own => _accounts.Directory.All.Single();

    private DestinationAnswer Ask(DestinationGate gate, string[] to, long due = 0) =>
        gate.Ask(new(Ticket(1, A, due: due), Own.Key, _permit = new()), Own, Send.Sample.Content(recipients: to));

    private static string[] Going(DestinationAnswer answer) =>
        answer is DestinationAnswer.May may ? [.. may.Content.Slice.Select(static to => to.Address)] : [];

    [Test]
    public void Ask_DomainWithoutALimit_GoesWithItsOwnPermit()
    {
        var gate = Gate(limits: ("x.example", new(PerHour: 1)));

        var answer = Ask(gate, ["a@y.example"]);

        Assert.That(((DestinationAnswer.May)answer).Permit, Is.InstanceOf<FreePermit>());
        Assert.That(gate.Count, Is.Zero);
    }

    [TestCase("x.example", "b@X.EXAMPLE")]
    [TestCase("xn--bcher-kva.example", "b@bücher.example")]
    [TestCase("*", "b@anything.example")]
    public void Ask_AtItsLimit_WaitsUntilThereIsRoom(string named, string to)
    {
        var gate = Gate(limits: (named, new(PerMinute: 1, Paced: false)));
        ((DestinationAnswer.May)Ask(gate, [to])).Permit.Spend();

        var later = (DestinationAnswer.Later)Ask(gate, [to]);

        Assert.That(later.Reason, Does.Contain("used 1 of 1 per minute"));
        Assert.That(later.At - _clock.Now, Is.InRange(60_000, 60_600));
        _clock.Advance(TimeSpan.FromMilliseconds(later.At - _clock.Now));
        Assert.That(Ask(gate, [to], due: later.At), Is.InstanceOf<DestinationAnswer.May>());
    }

    [Test]
    public void Ask_Others_EachDomainHasItsOwn()
    {
        var gate = Gate(limits: [("*", new(PerMinute: 1)), ("x.example", new(PerMinute: 2, Burst: 2))]);

        Assert.That(Going(Ask(gate, ["a@x.example", "a@y.example", "a@z.example"])), Has.Length.EqualTo(3));
        Assert.That(Going(Ask(gate, ["b@x.example", "b@y.example"])), Is.EqualTo(["b@x.example"]));
    }

    [Test]
    public void Ask_SomeDomainsAtTheirLimit_TheOthersGoAndTheRestIsOfTheMessage()
    {
        var gate = Gate(limits: ("x.example", new(PerMinute: 2, Burst: 2)));

        var may = (DestinationAnswer.May)Ask(gate, ["a@x.example", "b@y.example", "c@x.example", "d@x.example"]);

        Assert.That(Going(may), Is.EqualTo(["a@x.example", "b@y.example", "c@x.example"]));
        Assert.That(may.Content.Standing.Rest, Is.EqualTo(1));
    }

    [Test]
    public void Ask_CountOfMessages_TakesOneForAllRecipients()
    {
        var gate = Gate(all: new(Count: LimitCount.Messages), limits: ("x.example", new(PerMinute: 1)));

        Assert.That(Going(Ask(gate, ["a@x.example", "b@x.example"])), Has.Length.EqualTo(2));
        Assert.That(Ask(gate, ["c@x.example"]), Is.InstanceOf<DestinationAnswer.Later>());
    }

    [Test]
    public void Ask_WhoDoesNotWait_IsToldNever() =>
        Assert.That(
            Ask(Spent(Gate(all: new(WhenReached: LimitReached.Fail), limits: ("x.example", new(PerMinute: 1)))), ["a@x.example"]),
            Is.InstanceOf<DestinationAnswer.Never>()
        );

    [Test]
    public void Ask_ManyWait_EachBehindTheOtherAndTheNextBehindAll()
    {
        var gate = Spent(Gate(limits: ("x.example", new(PerMinute: 60, Burst: 1))));

        long[] turns = [.. Enumerable.Range(0, 100).Select(_ => ((DestinationAnswer.Later)Ask(gate, ["a@x.example"])).At)];

        Assert.That(turns, Is.Ordered.Ascending.And.Unique);
        Assert.That(turns[^1] - turns[0], Is.InRange(98_000, 100_000), "a second each");
        _clock.Advance(TimeSpan.FromMilliseconds(turns[0] - _clock.Now));
        Assert.That(Ask(gate, ["new@x.example"]), Is.InstanceOf<DestinationAnswer.Later>(), "it does not go before them");
        Assert.That(Ask(gate, ["a@x.example"], due: turns[0]), Is.InstanceOf<DestinationAnswer.May>());
    }

    [Test]
    public void Ask_TheyWereCancelled_NobodyIsThoughtToWait()
    {
        var gate = Spent(Gate(limits: ("x.example", new(PerMinute: 60, Burst: 1))));
        for (var i = 0; i < 1_000; i++)
            Ask(gate, ["a@x.example"]);

        _clock.Advance(TimeSpan.FromSeconds(5));

        Assert.That(Ask(gate, ["new@x.example"]), Is.InstanceOf<DestinationAnswer.May>());
    }

    [Test]
    public void Changed_ARaisedLimit_ActsAtOnce()
    {
        var gate = Spent(Gate(limits: ("x.example", new(PerMinute: 1, Paced: false))));
        Ask(gate, ["a@x.example"]);

        Set(null, ("x.example", new(PerMinute: 3, Paced: false)));
        gate.Changed(Own.Key);

        Assert.That(Ask(gate, ["a@x.example"]), Is.InstanceOf<DestinationAnswer.May>());
    }

    [Test]
    public void Dispose_Unspent_GivesBack()
    {
        var gate = Gate(limits: ("x.example", new(PerMinute: 1)));
        var may = (DestinationAnswer.May)Ask(gate, ["a@x.example"]);

        may.Permit.Dispose();

        Assert.That(_permit!.IsDisposed, Is.True);
        Assert.That(Ask(gate, ["a@x.example"]), Is.InstanceOf<DestinationAnswer.May>());
    }

    [Test]
    public void Seed_CountsFromBefore_Hold()
    {
        var gate = Gate(limits: ("x.example", new(PerHour: 5)));
        gate.Seed([
            new DestinationUse(Own.Key, "x.example", 3_600, _clock.Now - 60_000, 5),
            new(new(9), "gone.example", 60, _clock.Now, 1),
        ]);

        Assert.That(((DestinationAnswer.Later)Ask(gate, ["a@x.example"])).Reason, Does.Contain("used 5 of 5 per hour"));
        Assert.That(gate.Usage(Own).Single().Limits.Single().Used, Is.EqualTo(5));
    }

    [Test]
    public void ManyDestinations_AreBoundedAndLeave()
    {
        var gate = Gate(most: 1_000, limits: ("*", new(PerMinute: 5)));

        for (var i = 0; i < 100_000; i++)
        {
            if (Ask(gate, [$"a@d{i}.example"]) is DestinationAnswer.May may)
                may.Permit.Spend();
        }

        Assert.That(gate.Count, Is.LessThanOrEqualTo(1_000));
        var crowded = (DestinationAnswer.Later)Ask(gate, ["a@one-more.example"]);
        Assert.That(crowded.Reason, Does.Contain("as many destinations with limits at a time as it may have"));
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.That(Ask(gate, ["a@one-more.example"]), Is.InstanceOf<DestinationAnswer.May>());
        Assert.That(gate.Count, Is.EqualTo(1));
    }

    [Test]
    public void OneTenantCountsManyDestinations_AnotherStillHasItsShare()
    {
        AccountLimits limits = new(PerDay: 5);
        SmtpAccount Of(LaneKey lane, string tenant) =>
            Account(lane, new() { Destinations = new(new Dictionary<string, AccountLimits> { ["*"] = limits }) }) with
            {
                Tenant = tenant,
            };
        var (greedy, other) = (Of(A, "greedy"), Of(B, "other"));
        _accounts.Swap(new([greedy, other], null));
        var gate = new DestinationGate(_accounts, _clock, new TenantShare(0.5, static () => true), most: 1_000);
        DestinationAnswer AskOf(SmtpAccount account, string domain) =>
            gate.Ask(
                new(Ticket(1, Lanes.Of(account.Key)), account.Key, new FreePermit()),
                account,
                Send.Sample.Content(recipients: [$"a@{domain}"])
            );

        for (var i = 0; i < 5_000; i++)
        {
            if (AskOf(greedy, $"d{i}.example") is DestinationAnswer.May may)
                may.Permit.Spend();
            gate.Slow(greedy, new(greedy.Key, $"s{i}.example", new(null, 1, TimeSpan.FromMinutes(1)), "busy", null), 60);
        }

        Assert.That(AskOf(greedy, "one-more.example"), Is.InstanceOf<DestinationAnswer.Later>());
        Assert.That(gate.Count, Is.InRange(490, 510));
        for (var i = 0; i < 100; i++)
            Assert.That(AskOf(other, $"d{i}.example"), Is.InstanceOf<DestinationAnswer.May>(), $"{i}");
        gate.Slow(other, new(other.Key, "d1.example", new(null, 1, TimeSpan.FromMinutes(1)), "busy", null), 60);
        Assert.That(gate.Usage(other).Single(static usage => usage.Domain == "d1.example").Adapted, Is.Not.Null);
    }

    // A day in which mail to three domains always waits: each is put off and comes back at its turn, some are cancelled, permits come
    // back unspent.
    [Test]
    public void ADay_MailWaits_NoWindowIsExceededAndEachIsUsed()
    {
        (string Domain, AccountLimits Limits, ExactWindow[] Windows, long Allowed)[] all =
        [
            ("x.example", new(PerHour: 100), [new(3_600, 100)], 2_400),
            ("y.example", new(PerSecond: 2, PerMinute: 30), [new(60, 30)], 43_200),
            ("z.example", new(PerMinute: 7, Paced: false), [new(60, 7)], 10_080),
        ];
        var gate = Gate(limits: [.. all.Select(static one => (one.Domain, one.Limits))]);
        var random = new Random(5);
        var turns = new PriorityQueue<(int Domain, long Due), long>();
        var used = new long[all.Length];
        for (var domain = 0; domain < all.Length; domain++)
        {
            for (var i = 0; i < 200; i++)
                turns.Enqueue((domain, 0), _clock.Now);
        }

        var end = _clock.Now + 86_400_000;
        while (turns.TryDequeue(out var turn, out var at) && at < end)
        {
            var domain = turn.Domain;
            if (at > _clock.Now)
                _clock.Advance(TimeSpan.FromMilliseconds(at - _clock.Now));
            switch (Ask(gate, [$"a@{all[domain].Domain}"], turn.Due))
            {
                case DestinationAnswer.May may when random.Next(50) == 0:
                    may.Permit.Dispose();
                    turns.Enqueue(turn, _clock.Now + 1);
                    break;
                case DestinationAnswer.May may:
                    may.Permit.Spend();
                    used[domain]++;
                    Assert.That(all[domain].Windows.All(window => window.Add(_clock.Now, 1)), Is.True, all[domain].Domain);
                    turns.Enqueue((domain, 0), _clock.Now);
                    break;
                case DestinationAnswer.Later later:
                    turns.Enqueue((domain, later.At), later.At);
                    break;
            }
        }

        for (var domain = 0; domain < all.Length; domain++)
            Assert.That((double)used[domain] / all[domain].Allowed, Is.GreaterThan(0.95), all[domain].Domain);
    }

    private DestinationGate Spent(DestinationGate gate)
    {
        ((DestinationAnswer.May)Ask(gate, ["first@x.example"])).Permit.Spend();
        return gate;
    }

    private sealed class FreePermit : SendPermit
    {
        public bool IsDisposed { get; private set; }
        public override bool IsAcquired => true;
        public override IEnumerable<string> MetadataNames => [];

        public override void Spend() { }

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = null;
            return false;
        }

        protected override void Dispose(bool disposing) => IsDisposed = true;
    }
}
