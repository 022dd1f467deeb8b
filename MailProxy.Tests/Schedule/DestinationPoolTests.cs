using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>A pool's mail to a domain for which the account that was chosen has no room.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class DestinationPoolTests
{
    private static readonly LaneKey PoolLane = Lanes.Of(new PoolKey(9));
    private static readonly AccountLimits OneAMinute = new(PerMinute: 1, Paced: false);

    private readonly StepClock _clock = new();
    private readonly CurrentAccounts _accounts = new();
    private DestinationGate _gate = null!;

    private void Start(params AccountLimits?[] limits)
    {
        SmtpAccount[] accounts =
        [
            .. limits.Select(
                static (own, i) =>
                    Account(
                        new(i + 1),
                        new AccountLimits(WhenReached: own?.WhenReached ?? LimitReached.Wait) with
                        {
                            Destinations = own is null ? null : new(new Dictionary<string, AccountLimits> { ["x.example"] = own }),
                        }
                    )
            ),
        ];
        var pool = new Pool
        {
            Key = new(9),
            Tenant = "default",
            Id = "both",
            Version = 1,
            Accounts = [.. accounts.Select(static account => new PoolMember(account.Id))],
        };
        _accounts.Swap(new(accounts, null, null, new([pool])));
        _gate = new(_accounts, _clock);
    }

    private DestinationAnswer Ask(int account, QueuedMail? ticket = null, SendPermit? permit = null, params string[] to)
    {
        var key = new AccountKey(account);
        var due = new DueMail(ticket ?? Ticket(1, PoolLane), key, permit ?? new Send.Sample.Permit());
        return _gate.Ask(due, _accounts.Directory.Find(key)!, Send.Sample.Content(recipients: to.Length > 0 ? to : ["a@x.example"]));
    }

    private void Spend(int account) => ((DestinationAnswer.May)Ask(account)).Permit.Spend();

    [Test]
    public void Ask_AnotherHasRoom_ItIsToldWhoHasNone()
    {
        Start(OneAMinute, OneAMinute, null);
        Spend(1);

        var passed = ((DestinationAnswer.Elsewhere)Ask(1)).Passed;

        Assert.That((passed.By, passed.Times, passed.Accounts.Count), Is.EqualTo((new AccountKey(1), 1, 1)));
        Assert.That(passed.Until(new(1)) - _clock.Now, Is.InRange(60_000, 60_600));
        Assert.That(passed.Until(new(2)), Is.Null);
        Assert.That(Ask(2), Is.InstanceOf<DestinationAnswer.May>(), "to look took nothing");
    }

    [Test]
    public void Ask_SomeOfItMayGo_ThatGoes()
    {
        Start(OneAMinute, OneAMinute);
        Spend(1);

        var may = (DestinationAnswer.May)Ask(1, null, null, "a@x.example", "b@y.example");

        Assert.That(may.Content.Slice.Single().Address, Is.EqualTo("b@y.example"));
    }

    [Test]
    public void Ask_NobodyHasRoom_ItIsPutOffToTheFirstAndTheNextBehindIt()
    {
        Start(OneAMinute, OneAMinute);
        Spend(2);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Spend(1);

        long[] turns = [.. Enumerable.Range(0, 4).Select(_ => ((DestinationAnswer.Later)Ask(1)).At - _clock.Now)];

        Assert.That(turns[0], Is.InRange(50_000, 50_600), "the second opens first");
        Assert.That(turns[1], Is.InRange(60_000, 60_600), "then the first");
        Assert.That(turns[2], Is.InRange(110_000, 112_000), "and each has a line of its own");
        Assert.That(turns[3], Is.InRange(120_000, 122_000));
    }

    [Test]
    public void Ask_TheOtherMayNotSendFromThere_ItIsPutOff()
    {
        Start(OneAMinute, null);
        Spend(1);

        Assert.That(Ask(1, Ticket(1, PoolLane) with { NotBy = "account-2" }), Is.InstanceOf<DestinationAnswer.Later>());
    }

    [Test]
    public void Ask_InTheLaneOfTheAccountThatItStaysWith_ItIsPutOff()
    {
        Start(OneAMinute, null);
        Spend(1);

        Assert.That(Ask(1, Ticket(1, A)), Is.InstanceOf<DestinationAnswer.Later>());
    }

    [Test]
    public void Ask_MailFailsAtTheLimitOfAnAccount_InAPoolItWaits()
    {
        Start(OneAMinute with { WhenReached = LimitReached.Fail });
        Spend(1);

        Assert.That(Ask(1), Is.InstanceOf<DestinationAnswer.Later>());
    }

    [Test]
    public void Ask_TheRoomIsTakenEachTime_ItDoesNotGoRoundForEver()
    {
        Start(OneAMinute, null);
        Spend(1);
        var ticket = Ticket(1, PoolLane);
        for (var times = 1; times <= 2; times++)
        {
            var passed = ((DestinationAnswer.Elsewhere)Ask(1, ticket)).Passed;
            Assert.That(passed.Times, Is.EqualTo(times));
            ticket = ticket with { Passed = passed };
        }

        Assert.That(Ask(1, ticket), Is.InstanceOf<DestinationAnswer.Later>());
        _clock.Advance(TimeSpan.FromMinutes(5));
        Spend(1);
        Assert.That(((DestinationAnswer.Elsewhere)Ask(1, ticket)).Passed.Times, Is.EqualTo(1), "that was long ago");
    }

    [Test]
    public void Ask_PutOffByTheScheduler_ItWaitsForTheTimeThatItKnowsElseForRoom()
    {
        Start(OneAMinute, null);
        Spend(1);

        Assert.That(((DestinationAnswer.Later)Ask(1, null, new PutOffPermit(_clock.Now + 7))).At, Is.EqualTo(_clock.Now + 7));
        var turns = Enumerable.Range(0, 2).Select(_ => ((DestinationAnswer.Later)Ask(1, null, new PutOffPermit(null))).At - _clock.Now);
        Assert.That(turns.ToArray(), Is.Ordered.Ascending.And.Unique.And.All.InRange(60_000, 122_000));
    }

    [Test]
    public void HoldOf_TellsOfTheFirstDomainThatOpens()
    {
        Start(OneAMinute, null);
        DestinationHold? Hold(int account, params string[] to) => _gate.HoldOf(_accounts.Directory.Find(new AccountKey(account))!, to);
        Assert.That(Hold(1, "x.example"), Is.Null);
        Spend(1);

        var hold = Hold(1, "x.example")!;
        Assert.That((hold.Domain, hold.Slowed), Is.EqualTo(("x.example", (string?)null)));
        Assert.That(hold.Until - _clock.Now, Is.InRange(60_000, 60_600));
        Assert.That(Hold(1, "x.example", "y.example"), Is.Null);
        Assert.That(Hold(2, "x.example"), Is.Null);
    }
}
