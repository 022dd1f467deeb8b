using System.Threading.Channels;
using MailProxy.Daemon.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class ServiceNoticesTests
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _clock = new();
    private readonly Lifetime _lifetime = new();
    private readonly Notifier _notifier = new();
    private TaskCompletionSource _beat = new();
    private IReadOnlyList<string> _stuck = [];
    private ServiceNotices _notices = null!;

    [SetUp]
    public async Task SetUpAsync()
    {
        _beat.SetResult();
        _notices = new(_notifier, new(Every), () => _beat.Task, () => _stuck, _lifetime, _clock, NullLogger<ServiceNotices>.Instance);
        await _notices.StartAsync(CancellationToken.None);
    }

    [TearDown]
    public async Task TearDownAsync()
    {
        await _notices.StopAsync(CancellationToken.None);
        _lifetime.Dispose();
    }

    [Test]
    public async Task Started_IsReadyAndThenAliveAgainAndAgain()
    {
        _lifetime.Start();
        Assert.That(await NextAsync(), Is.EqualTo("READY=1"));
        for (var beats = 0; beats < 3; beats++)
        {
            Assert.That(await NextAsync(), Is.EqualTo("WATCHDOG=1"));
            _clock.Advance(Every);
        }
    }

    [Test]
    public async Task StageThatStandsStill_IsNotToldToBeAliveUntilItGoesOn()
    {
        _stuck = ["report"];
        _lifetime.Start();
        Assert.That(await NextAsync(), Is.EqualTo("READY=1"));
        _stuck = [];
        _clock.Advance(Every);
        Assert.That(await NextAsync(), Is.EqualTo("WATCHDOG=1"));
        _lifetime.StopApplication();
        Assert.That(await NextAsync(), Is.EqualTo("STOPPING=1"));
    }

    [Test]
    public async Task WriterThatStandsStill_IsNotToldToBeAlive()
    {
        _beat = new();
        _lifetime.Start();
        Assert.That(await NextAsync(), Is.EqualTo("READY=1"));
        _clock.Advance(Every * 10);
        _lifetime.StopApplication();
        Assert.That(await NextAsync(), Is.EqualTo("STOPPING=1"));
    }

    private Task<string> NextAsync() => _notifier.Told.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

    private sealed class Notifier : ISystemdNotifier
    {
        public Channel<string> Told { get; } = Channel.CreateBounded<string>(100);

        public bool IsEnabled => true;

        public void Notify(ServiceState state) => Assert.That(Told.Writer.TryWrite(state.ToString()), Is.True);
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _started = new(),
            _stopping = new();

        public CancellationToken ApplicationStarted => _started.Token;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void Start() => _started.Cancel();

        public void StopApplication() => _stopping.Cancel();

        public void Dispose()
        {
            _started.Dispose();
            _stopping.Dispose();
        }
    }
}
