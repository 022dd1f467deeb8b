using NUnit.Framework;

namespace MailProxy.Tests.Support;

/// <summary>
/// A test with a daemon of its own, in a directory of its own; both go with the test. What a fixture adds in a SetUp of its own comes after
/// the start, and goes before the stop.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal abstract class DaemonFixture
{
    /// <summary>The daemon's data directory.</summary>
    protected TempDirectory _directory = null!;
    protected TestDaemon _daemon = null!;

    /// <summary>What the daemon is told beyond the ordinary.</summary>
    protected virtual (string Name, string Value)[] Settings => [];

    /// <summary>The daemon's clock, a new one for each test.</summary>
    protected virtual TimeProvider MakeClock() => TimeProvider.System;

    [SetUp]
    public async Task StartDaemonAsync()
    {
        _directory = new();
        _daemon = await TestDaemon.StartAsync(_directory, MakeClock(), Settings);
    }

    [TearDown]
    public async Task StopDaemonAsync()
    {
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _directory.Dispose();
    }
}
