using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Report;

/// <summary>What is told, and kept, when circuits open and close.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AccountWatchTests
{
    private readonly CurrentAccounts _accounts = new();
    private readonly MemoryDeliveryLog _log = new();
    private readonly MemoryCircuits _kept = new();
    private readonly Wake _wake = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeMilliseconds(Mails.Now));
    private readonly PipelineMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());

    private IEnumerable<EventType> Told => _log.Events.Select(static told => told.Type);

    [SetUp]
    public void SetUp() => _accounts.Swap(new([Account(A), Account(B), Account(C)], null));

    [Test]
    public async Task Changed_AccountDeleted_IsForgottenInSilence()
    {
        await using (var watch = Watch())
        {
            watch.Trouble(Trouble(A));
            _wake.Drain();
            _accounts.Swap(AccountDirectory.Empty);
            Assert.That(watch.IsHeld(Key(A)), Is.False);
        }

        Assert.That(Told, Is.EqualTo(new[] { EventType.AccountCircuitOpened }));
        Assert.That(_wake.Drain().Unparked, Is.Empty, "a wake would make its lane again");
    }

    [Test]
    public async Task Changed_AccountChanged_IsUsedAgain()
    {
        await using (var watch = Watch())
        {
            watch.Trouble(Trouble(A));
            _wake.Drain();
            _accounts.Swap(new([Account(A, version: 2)], null));
        }

        Assert.That(Told, Is.EqualTo(new[] { EventType.AccountCircuitOpened, EventType.AccountCircuitClosed }));
        Assert.That(_wake.Drain().Unparked, Is.EqualTo(new[] { Key(A) }));
        Assert.That(_kept.Kept, Is.Empty);
    }

    [Test]
    public async Task Trouble_OfAnAttemptFromBeforeItWasClosed_SaysNothing()
    {
        await using var watch = Watch();
        var before = _clock.GetTimestamp();
        watch.Trouble(Trouble(A) with { TriedAt = before });
        _clock.Advance(TimeSpan.FromSeconds(1));
        watch.Reset(_accounts.Directory.Find(Key(A))!, "resume");

        watch.Trouble(Trouble(A) with { TriedAt = before });
        Assert.That(watch.IsHeld(Key(A)), Is.False, "it was under way when a person said that all is well");
        watch.Trouble(Trouble(A) with { TriedAt = _clock.GetTimestamp() });
        Assert.That(watch.IsHeld(Key(A)), Is.True);
    }

    [Test]
    public async Task Trouble_OfAnAccountDeletedMeanwhile_IsToldToNoTenantAndKeptNowhere()
    {
        _accounts.Swap(AccountDirectory.Empty);
        await using (var watch = Watch())
        {
            watch.Trouble(Trouble(A));
            Assert.That(watch.IsHeld(Key(A)), Is.False);
        }

        Assert.That((_log.Events.Count, _kept.Kept.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Trouble_OfTheAccountAsItWasBefore_IsNoNewsOfIt()
    {
        _accounts.Swap(new([Account(A, version: 2)], null));
        await using var watch = Watch();

        watch.Trouble(Trouble(A) with { Version = 1 }, isProbe: true);

        Assert.That(watch.Find(Key(A)), Is.Null);
        Assert.That(_wake.Drain().Unparked, Is.EqualTo(new[] { Key(A) }), "whoever thinks that it is tried is told otherwise");
    }

    [Test]
    public async Task Opened_AndClosedByTheProbe_TellCauseReplyAndUntil()
    {
        await using (var watch = Watch())
        {
            watch.Trouble(Trouble(A) with { SmtpCode = 535, Kind = TroubleKind.Authentication, Rule = "x/y", Remedy = "Look." });
            _clock.Advance(TimeSpan.FromMinutes(1));
            watch.Trouble(Trouble(A) with { Kind = TroubleKind.Authentication, Reply = "still" }, isProbe: true);
            Assert.That(watch.Find(Key(A))!.Trouble.Reply, Is.EqualTo("still"));
            watch.Succeeded(Key(A), isProbe: true);
        }

        Assert.That(
            Told,
            Is.EqualTo(new[] { EventType.AccountAuthFailed, EventType.AccountCircuitOpened, EventType.AccountCircuitClosed })
        );
        var (opened, closed) = (Detail(1), Detail(2));
        Assert.That(opened.GetProperty("cause").GetString(), Is.EqualTo("authentication"));
        Assert.That(opened.GetProperty("smtp_code").GetInt32(), Is.EqualTo(535));
        Assert.That(opened.GetProperty("reason").GetString(), Is.EqualTo("refused"));
        Assert.That(opened.GetProperty("rule").GetString(), Is.EqualTo("x/y"));
        Assert.That(opened.GetProperty("remedy").GetString(), Is.EqualTo("Look."));
        Assert.That(opened.GetProperty("until").GetString(), Is.EqualTo(Timestamps.Write(Mails.Now + 60_000)));
        Assert.That(closed.GetProperty("by").GetString(), Is.EqualTo("probe"));
        Assert.That(closed.GetProperty("failures").GetInt32(), Is.EqualTo(2));
        Assert.That(closed.GetProperty("since").GetString(), Is.EqualTo(Timestamps.Write(Mails.Now)));
        Assert.That(_metrics.CircuitsOpened.WithLabels("authentication").Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Reset_Open_ClosesAndSaysBy()
    {
        await using (var watch = Watch())
        {
            Assert.That(watch.Reset(Account(A), "reset"), Is.False);
            watch.Trouble(Trouble(A));
            Assert.That(watch.Reset(Account(A), "reset"), Is.True);
            Assert.That(_wake.Drain().Unparked, Is.EqualTo(new[] { Key(A) }));
        }

        Assert.That(Detail(1).GetProperty("by").GetString(), Is.EqualTo("reset"));
        Assert.That(_kept.Kept, Is.Empty);
    }

    [Test]
    public async Task ProbeNow_Open_IsParkedUntilNow()
    {
        await using var watch = Watch();
        watch.Trouble(Trouble(A));
        _clock.Advance(TimeSpan.FromSeconds(1));

        watch.ProbeNow(_accounts.Directory.All);

        Assert.That(_wake.Drain().Parked.Single().Value.Until, Is.EqualTo(Mails.Now + 1_000));
        Assert.That(watch.IsHeld(Key(A)), Is.True, "only one goes");
    }

    [Test]
    public async Task Restore_OfTheLastRun_ParksAndTellsNothingAgain()
    {
        await using (var first = Watch())
            first.Trouble(Trouble(A));
        _wake.Drain();
        _clock.Advance(TimeSpan.FromSeconds(2));
        var kept = await _kept.AllAsync();

        await using (var second = Watch())
        {
            second.Restore([.. kept, kept[0] with { Trouble = Trouble(B), Version = 9 }]);
            Assert.That(_wake.Drain().Parked.Single().Value.Until, Is.EqualTo(Mails.Now + 5_000));
            Assert.That((second.IsHeld(Key(A)), second.IsHeld(Key(B))), Is.EqualTo((true, false)), "of another version");
            second.Trouble(Trouble(A), isProbe: true);
            Assert.That(second.Find(Key(A))!.Failures, Is.EqualTo(2));
        }

        Assert.That(Told, Is.EqualTo(new[] { EventType.AccountCircuitOpened }));
    }

    [Test]
    public async Task Trouble_OfAProvidersTenant_HoldsItsOtherAccountsAndOneProbeFreesAll()
    {
        await using (var watch = Watch(account => account.Id == "account-3" ? "ms/other" : "ms/contoso"))
        {
            watch.Trouble(Trouble(A) with { OfProviderTenant = true, Kind = TroubleKind.Quota, Rule = "microsoft365/tenant-recipients" });

            Assert.That((watch.IsHeld(Key(A)), watch.IsHeld(Key(B)), watch.IsHeld(Key(C))), Is.EqualTo((true, true, false)));
            Assert.That(watch.Find(Key(B))!.Trouble.Explained, Does.Contain("account 'account-1'"));
            Assert.That(watch.Find(Key(B))!.Until, Is.EqualTo(watch.Find(Key(A))!.Until));
            watch.Succeeded(Key(B), isProbe: true);
            Assert.That((watch.IsHeld(Key(A)), watch.IsHeld(Key(B))), Is.EqualTo((false, false)));
        }

        Assert.That(
            Told,
            Is.EqualTo(
                new[]
                {
                    EventType.AccountCircuitOpened,
                    EventType.AccountCircuitOpened,
                    EventType.AccountCircuitClosed,
                    EventType.AccountCircuitClosed,
                }
            )
        );
        Assert.That(Detail(1).GetProperty("provider_tenant").GetString(), Is.EqualTo("ms/contoso"));
        Assert.That(Detail(1).GetProperty("via").GetString(), Is.EqualTo("account-1"));
    }

    [Test]
    public async Task Trouble_OfAProvidersTenant_NeverCrossesTenants()
    {
        _accounts.Swap(new([Account(A), Account(B) with { Tenant = "beta" }], null));
        await using var watch = Watch(static _ => "ms/contoso");

        watch.Trouble(Trouble(A) with { OfProviderTenant = true });

        Assert.That(watch.IsHeld(Key(B)), Is.False);
    }

    [Test]
    public async Task Trouble_OfOneAccountAlone_HoldsNoOther()
    {
        await using var watch = Watch(static _ => "ms/contoso");

        watch.Trouble(Trouble(A));

        Assert.That(watch.IsHeld(Key(B)), Is.False);
    }

    [Test]
    public async Task Trouble_ThatAsksForLess_SlowsOnceAMoment()
    {
        await using var watch = Watch();
        var slow = Trouble(A) with { Kind = TroubleKind.Throttled, Slow = new(0.7, null, null) };

        watch.Trouble(slow);
        Assert.That(_wake.Drain().Slowed.Keys, Is.EqualTo(new[] { Key(A) }));
        watch.Trouble(slow);
        Assert.That(_wake.Drain().Slowed, Is.Empty, "eight connections are told together");
        watch.Trouble(slow, isProbe: true);
        Assert.That(_wake.Drain().Slowed.Keys, Is.EqualTo(new[] { Key(A) }));
    }

    [Test]
    public async Task Keep_StoreFails_IsWrittenWithTheNextChange()
    {
        await using (var watch = Watch())
        {
            _kept.Fault = new InvalidOperationException("no");
            watch.Trouble(Trouble(A));
            await _log.UntilAsync(static log => log.Last == 1);
            _kept.Fault = null;
            watch.Trouble(Trouble(B));
        }

        Assert.That(_kept.Kept.Keys, Is.EquivalentTo(new[] { Key(A), Key(B) }));
    }

    private static AccountKey Key(LaneKey lane) => Lanes.AccountOf(lane);

    private static AccountTrouble Trouble(LaneKey lane) => new(Key(lane), TroubleKind.Connect, null, null, "refused");

    private JsonElement Detail(int index) =>
        JsonDocument.Parse("{" + Encoding.UTF8.GetString(_log.Events[index].Detail.Span) + "}").RootElement;

    private AccountWatch Watch(Func<SmtpAccount, string?>? customerOf = null) =>
        new(
            new(new(), static () => 0.5),
            _accounts,
            _wake,
            _log,
            _kept,
            _metrics,
            customerOf ?? (static _ => null),
            _clock,
            NullLogger.Instance
        );
}
