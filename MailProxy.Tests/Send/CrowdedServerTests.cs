using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>
/// A server that bears fewer connections than the account may have: the pool makes do with those, and nobody hears of trouble.
/// </summary>
internal sealed class CrowdedServerTests
{
    // The event that tells of a connection that was turned away: then the pool has learned of it.
    private const int TurnedAway = 504;

    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private ScriptedSmtpServer _server = null!;
    private FakeTimeProvider _clock = null!;
    private LogRecorder _log = null!;
    private SmtpPool _pool = null!;

    [SetUp]
    public void SetUp()
    {
        (_server, _clock, _log) = (new(), new(), new());
        _pool = new(new CurrentAccounts(), new(), new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry()), _clock, _log);
    }

    [TearDown]
    public async Task TearDown()
    {
        await _pool.DisposeAsync();
        await _server.DisposeAsync();
    }

    [TestCase("CONNECT", "220 scripted")]
    [TestCase("EHLO", "250 scripted")]
    public async Task Rent_TurnedAwayBesideOthers_WaitsForOneOfThem(string phase, string ordinary)
    {
        const string Full = "421 4.7.0 too many";
        _server.Say(phase, ordinary, ordinary, Full, Full).Say("HELO", Full, Full);
        var (first, second) = (await RentAsync(), await RentAsync());
        var (third, fourth) = (RentAsync(), RentAsync());
        await _server.Seen("GONE", 1); // the other one tries too, or has learned from it already
        Assert.That((third.IsCompleted, fourth.IsCompleted), Is.EqualTo((false, false)));

        _pool.Return(first);
        _pool.Return(second);

        Assert.That(await Task.WhenAll(third, fourth), Is.EquivalentTo(new[] { first, second }));
        Assert.That(_server.Connections, Is.InRange(3, 4));
        Return(first, second);
    }

    [Test]
    public async Task Rent_TurnedAwayLongAgo_TriesOneMore()
    {
        var first = await TurnOneAwayAsync();

        _clock.Advance(ConnectionAllowance.GrowsAfter);

        var second = await RentAsync();
        Assert.That(_server.Connections, Is.EqualTo(3));
        Return(first, second);
    }

    [Test]
    public async Task Rent_AccountChangedAfterItWasTurnedAway_LearnsAnew()
    {
        var first = await TurnOneAwayAsync();

        var changed = await RentAsync(Account() with { Version = 2 });

        Assert.That(_server.Connections, Is.EqualTo(3));
        Return(first, changed);
    }

    [Test]
    public async Task Rent_EverybodyTurnedAway_TellsEverybodyAndLearnsNothing()
    {
        await using var server = new ScriptedSmtpServer { Places = 0 };
        var account = Sample.Account(server.Port) with { MaxConnections = 3 };

        var all = Enumerable.Range(0, 5).Select(_ => RentAsync(account)).ToArray();
        foreach (var one in all)
            Assert.That(async () => await one, Throws.TypeOf<SmtpOpenException>());

        server.Places = 3;
        var after = await Task.WhenAll(RentAsync(account), RentAsync(account), RentAsync(account));
        Assert.That(after.Distinct().Count(), Is.EqualTo(3));
        Return(after);
    }

    [Test]
    public async Task Rent_RefusedForGoodBesideOthers_Tells()
    {
        _server.Say("CONNECT", "220 scripted", "554 5.7.1 go away");
        var first = await RentAsync();

        Assert.That(async () => await RentAsync(), Throws.TypeOf<SmtpOpenException>());
        _pool.Return(first);
    }

    [Test]
    public async Task Replace_TurnedAwayBesideOthers_WaitsForOneOfThem()
    {
        _server.Say("CONNECT", "220 scripted", "220 scripted", "421 4.7.0 too many");
        var (dead, other) = (await RentAsync(), await RentAsync());
        dead.Abandon();

        var replaced = _pool.ReplaceAsync(dead, CancellationToken.None).AsTask().WaitAsync(Generous);
        await _server.Seen("CONNECT", 3);
        _pool.Return(other);

        Assert.That(await replaced, Is.SameAs(other));
        _pool.Return(other);
    }

    // One connection stands, a second was turned away, and nobody waits.
    private async Task<SmtpConnection> TurnOneAwayAsync()
    {
        _server.Say("CONNECT", "220 scripted", "421 4.7.0 too many");
        var first = await RentAsync();
        using var abort = new CancellationTokenSource();
        var waiting = _pool.RentAsync(Account(), abort.Token, abort.Token).AsTask().WaitAsync(Generous);
        await _log.Logged(TurnedAway).WaitAsync(Generous);
        await abort.CancelAsync();
        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        return first;
    }

    private SmtpAccount Account() => Sample.Account(_server.Port);

    private Task<SmtpConnection> RentAsync(SmtpAccount? account = null) =>
        _pool.RentAsync(account ?? Account(), CancellationToken.None, CancellationToken.None).AsTask().WaitAsync(Generous);

    private void Return(params SmtpConnection[] connections)
    {
        foreach (var connection in connections)
            _pool.Return(connection);
    }
}
