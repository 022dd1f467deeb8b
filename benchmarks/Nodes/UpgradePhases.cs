using System.Diagnostics;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What was done when, so that a pause can be told by what it fell into.</summary>
internal sealed class UpgradePhases(UpgradeTally tally, LateClock clock)
{
    public const string Undisturbed = "nothing is done (for comparison)",
        Stop = "a node stops, from SIGTERM to its end",
        Start = "it is started, until `/health/ready`",
        After = "it takes lanes back";

    private readonly List<Phase> _all = [];

    public IReadOnlyList<Phase> All => _all;

    public async Task DoAsync(string name, string node, Task what)
    {
        var from = tally.Now;
        clock.Latest();
        await what;
        _all.Add(new(name, node, from, tally.Now, clock.Latest()));
    }

    /// <summary>What is not measured.</summary>
    public static Task AsideAsync(Task what) => what;

    public Phase? At(TimeSpan time) => _all.Find(phase => time >= phase.From && time < phase.To);

    /// <param name="Late">By how much this process's own clock was late at most meanwhile.</param>
    internal sealed record Phase(string Name, string Node, TimeSpan From, TimeSpan To, TimeSpan Late);
}

/// <summary>By how much a wait of ten milliseconds takes longer: what the machine itself makes anybody wait.</summary>
internal sealed class LateClock
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private TimeSpan _longest;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var begun = Stopwatch.GetTimestamp();
            await Task.Delay(Tick, CancellationToken.None);
            var late = Stopwatch.GetElapsedTime(begun) - Tick;
            lock (_gate)
                _longest = late > _longest ? late : _longest;
        }
    }

    /// <summary>The most since the last call.</summary>
    public TimeSpan Latest()
    {
        lock (_gate)
        {
            var longest = _longest;
            _longest = TimeSpan.Zero;
            return longest;
        }
    }
}
