using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class SmtpPoolTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    private ScriptedSmtpServer _server = null!;
    private FakeTimeProvider _clock = null!;
    private CurrentAccounts _accounts = null!;
    private PipelineMetrics _metrics = null!;
    private SmtpPool _pool = null!;

    [SetUp]
    public void SetUp()
    {
        _server = new();
        _clock = new();
        _accounts = new();
        _metrics = new(Prometheus.Metrics.NewCustomRegistry());
        _pool = NewPool(NullLogger.Instance);
    }

    [TearDown]
    public async Task TearDown()
    {
        await _pool.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task Rent_AfterReturn_GivesTheLastReturned()
    {
        var (first, second) = (await RentAsync(), await RentAsync());
        _pool.Return(first);
        _pool.Return(second);

        Assert.That(await RentAsync(), Is.SameAs(second));
        Assert.That(await RentAsync(), Is.SameAs(first));
        Assert.That(_server.Connections, Is.EqualTo(2));
        Assert.That(_metrics.ConnectionsOpened.WithLabels("default", "relay").Value, Is.EqualTo(2));
        Return(first, second);
    }

    [Test]
    public async Task Rent_AllBusy_WaitsItsTurn()
    {
        var account = Account() with { MaxConnections = 1 };
        var busy = await RentAsync(account);
        var (first, second) = (RentAsync(account), RentAsync(account));
        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((false, false)));

        _pool.Return(busy);

        Assert.That(await first, Is.SameAs(busy));
        Assert.That(second.IsCompleted, Is.False);
        _pool.Return(busy);
        Assert.That(await second, Is.SameAs(busy));
        _pool.Return(busy);
    }

    [Test]
    public async Task Rent_WaiterIsAborted_ItsTurnGoesOn()
    {
        var account = Account() with { MaxConnections = 1 };
        var busy = await RentAsync(account);
        using var abort = new CancellationTokenSource();
        var first = _pool.RentAsync(account, abort.Token, abort.Token).AsTask();
        var second = RentAsync(account);

        await abort.CancelAsync();
        _pool.Return(busy);

        Assert.That(async () => await first.WaitAsync(Generous), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await second, Is.SameAs(busy));
        _pool.Return(busy);
    }

    [Test]
    public async Task Return_Unusable_FreesTheSlotForAWaiter()
    {
        var account = Account() with { MaxConnections = 1 };
        var busy = await RentAsync(account);
        var waiting = RentAsync(account);

        busy.Abandon();
        _pool.Return(busy);

        var fresh = await waiting;
        Assert.That(fresh, Is.Not.SameAs(busy));
        Assert.That(_server.Connections, Is.EqualTo(2));
        _pool.Return(fresh);
    }

    [Test]
    public async Task Return_EnoughMessages_IsNotUsedAgain()
    {
        var account = Account() with { MaxMessagesPerConnection = 2 };
        for (var i = 0; i < 4; i++)
        {
            var connection = await RentAsync(account);
            await SendAsync(connection);
            _pool.Return(connection);
        }

        Assert.That(_server.Connections, Is.EqualTo(2));
    }

    [Test]
    public async Task Idle_TooLong_IsClosedWithQuit()
    {
        Return(await RentAsync(), await RentAsync());
        Assert.That(_metrics.Connections.WithLabels("default", "relay", "idle").Value, Is.EqualTo(2));

        _clock.Advance(TimeSpan.FromSeconds(31));

        await _server.Seen("QUIT", 2);
        Assert.That(_metrics.Connections.WithLabels("default", "relay", "idle").Value, Is.Zero);
    }

    [Test]
    public async Task Idle_ReturnedLater_LivesLonger()
    {
        var (first, second) = (await RentAsync(), await RentAsync());
        _pool.Return(first);
        _clock.Advance(TimeSpan.FromSeconds(20));
        _pool.Return(second);

        _clock.Advance(TimeSpan.FromSeconds(15));
        await _server.Seen("QUIT");
        Assert.That(_metrics.Connections.WithLabels("default", "relay", "idle").Value, Is.EqualTo(1));

        _clock.Advance(TimeSpan.FromSeconds(16));
        await _server.Seen("QUIT", 2);
    }

    [Test]
    public async Task Rent_ConnectionIsTooOld_OpensAnother()
    {
        var busy = await RentAsync();
        _clock.Advance(TimeSpan.FromMinutes(6));
        _pool.Return(busy);

        Assert.That(await RentAsync() is var fresh && !ReferenceEquals(fresh, busy), Is.True);
        _pool.Return(fresh);
    }

    [Test]
    public async Task Rent_ServerHungUpWhileIdle_OpensAnother()
    {
        var dropping = Account();
        _server.Say("DOT", ScriptedSmtpServer.ThenDrop + "250 2.0.0 taken");
        var first = await RentAsync(dropping);
        await SendAsync(first);
        await _server.Seen("GONE");
        _pool.Return(first);

        var second = await RentAsync(dropping);
        Assert.That(second, Is.Not.SameAs(first));
        _pool.Return(second);
    }

    [Test]
    public async Task AccountChanged_IdleOfTheOldVersion_AreClosed()
    {
        _accounts.Swap(new([Account()], null));
        _pool.Return(await RentAsync());

        _accounts.Swap(new([Account() with { Version = 2 }], null));

        await _server.Seen("QUIT");
        var fresh = await RentAsync();
        Assert.That(fresh.Account.Version, Is.EqualTo(2));
        _pool.Return(fresh);
    }

    [Test]
    public async Task AccountChanged_BusyOfTheOldVersion_IsClosedOnReturn()
    {
        _accounts.Swap(new([Account()], null));
        var old = await RentAsync();
        _accounts.Swap(new([Account() with { Version = 2 }], null));

        _pool.Return(old);

        await _server.Seen("QUIT");
    }

    [Test]
    public async Task Rent_NobodyHasAConnection_WaitersShareTheFailure()
    {
        var account = Account() with { MaxConnections = 1 };
        _server.Say("CONNECT", ScriptedSmtpServer.Hang);
        var (first, second) = (RentAsync(account), RentAsync(account));
        await _server.Seen("CONNECT");

        _clock.Advance(TimeSpan.FromMinutes(6));

        Assert.That(async () => await first, Throws.TypeOf<SmtpOpenException>());
        Assert.That(async () => await second, Throws.TypeOf<SmtpOpenException>());
        Assert.That(_server.Connections, Is.EqualTo(1));
        _pool.Return(await RentAsync(account));
    }

    [Test]
    public async Task Dispose_IdleConnections_SaysQuit()
    {
        _pool.Return(await RentAsync());

        await _pool.DisposeAsync().AsTask().WaitAsync(Generous);

        Assert.That(_server.Journal, Has.Some.Contains("QUIT"));
    }

    [Test]
    public async Task Rent_NoStartTlsWhenAvailable_WarnsOnceAVersion()
    {
        var log = new LogRecorder();
        await using var pool = NewPool(log);
        var account = Account() with { Security = SmtpSecurity.StartTlsWhenAvailable };

        var (first, second) = (await pool.RentAsync(account, default, default), await pool.RentAsync(account, default, default));
        Assert.That(log.Lines.Count(static line => line.Level == LogLevel.Warning), Is.EqualTo(1));
        var third = await pool.RentAsync(account with { Version = 2 }, default, default);
        Assert.That(log.Lines.Count(static line => line.Level == LogLevel.Warning), Is.EqualTo(2));
        foreach (var connection in new[] { first, second, third })
            pool.Return(connection);
    }

    private SmtpAccount Account() => Sample.Account(_server.Port);

    private SmtpPool NewPool(ILogger logger) => new(_accounts, new(), _metrics, _clock, logger);

    private Task<SmtpConnection> RentAsync(SmtpAccount? account = null) =>
        _pool.RentAsync(account ?? Account(), CancellationToken.None, CancellationToken.None).AsTask().WaitAsync(Generous);

    private void Return(params SmtpConnection[] connections)
    {
        foreach (var connection in connections)
            _pool.Return(connection);
    }

    private static async Task SendAsync(SmtpConnection connection)
    {
        using var rendered = new MimeComposer(new()).Compose(Sample.Content(), [], [], null);
        await connection
            .TransactAsync(
                new(Envelope.Of(Sample.Content()), rendered),
                Sample.Mark(),
                null,
                CancellationToken.None,
                CancellationToken.None
            )
            .WaitAsync(Generous);
    }
}
