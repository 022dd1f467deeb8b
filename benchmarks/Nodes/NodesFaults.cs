using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What is done to the nodes, one thing after the other, and sometimes before the last one is over.</summary>
internal sealed class NodesFaults(NodeProcess[] nodes, PostgresServer server, Arrivals arrivals, Random dice, TimeSpan ttl)
{
    private readonly List<TimeSpan> _kills = []; // of nodes that stayed away
    private readonly List<Fault> _all = [];
    private TimeSpan _begun;

    public int Count { get; private set; }

    public Dictionary<string, int> Kinds { get; } = [];

    public int EndedByThemselves { get; private set; }

    /// <summary>From a kill to the first mail of the last account by another node, in seconds.</summary>
    public IReadOnlyList<double> TakeOvers =>
        [.. _kills.Select(arrivals.PauseAround).OfType<TimeSpan>().Select(static pause => Math.Round(pause.TotalSeconds, 3))];

    /// <summary>All that was done, in order.</summary>
    public IReadOnlyList<Fault> All => _all;

    public async Task NextAsync()
    {
        Count++;
        var hit = 1;
        _begun = arrivals.Now;
        var node = nodes[dice.Next(nodes.Length)];
        await ReviveAsync();
        switch (dice.Next(11))
        {
            case 10 when nodes.FirstOrDefault(static one => one.Clock is not null) is { } clocked:
                Note("its clock set ahead or back by up to two minutes for a while");
                clocked.Clock!.Step(TimeSpan.FromSeconds(dice.Next(30, 121) * (dice.Next(2) == 0 ? 1 : -1)));
                await Task.Delay(TimeSpan.FromSeconds(2) + Part(ttl.TotalSeconds * 2));
                clocked.Clock.Step(TimeSpan.Zero);
                break;
            case 0 or 1:
                Note("killed, started again after the others have taken over");
                node.Kill();
                _kills.Add(arrivals.Now);
                await Task.Delay(ttl * 2 + Part(2));
                node.Start();
                break;
            case 2 or 3:
                Note("killed and started at once");
                node.Kill();
                await Task.Delay(Part(0.3));
                node.Start();
                break;
            case 4:
                Note("stopped (SIGSTOP) for less than its time to live");
                await PauseAsync(node, Part(ttl.TotalSeconds / 2));
                break;
            case 5:
                Note("stopped (SIGSTOP) until the others have declared it dead");
                await PauseAsync(node, ttl * 2 + Part(2));
                break;
            case 6:
                Note("its connections to the database cut, refused for a while");
                node.Way.Cut();
                await Task.Delay(Part(ttl.TotalSeconds * 2));
                node.Way.Mend();
                break;
            case 7:
                Note("its way to the database swallows everything for a while");
                node.Way.Swallow();
                await Task.Delay(Part(ttl.TotalSeconds * 2));
                node.Way.Mend();
                break;
            case 8 when dice.Next(2) == 0:
                Note("PostgreSQL ended (immediate) and started");
                hit = nodes.Length;
                server.Restart();
                break;
            default:
                Note("two killed, started at once");
                hit = 2;
                node.Kill();
                var other = nodes[(Array.IndexOf(nodes, node) + 1) % nodes.Length];
                other.Kill();
                node.Start();
                other.Start();
                break;
        }

        _all.Add(new(_begun, arrivals.Now, hit));
        await Task.Delay(Part(2));
    }

    /// <summary>Everything runs again.</summary>
    public async Task HealAsync()
    {
        foreach (var node in nodes)
            node.Way.Mend();
        await Task.Delay(ttl * 2);
        await ReviveAsync();
        foreach (var node in nodes)
            await node.ReadyAsync(TimeSpan.FromSeconds(120));
        await Task.Delay(ttl);
        await ReviveAsync();
        foreach (var node in nodes)
            await node.ReadyAsync(TimeSpan.FromSeconds(120));
    }

    private async Task PauseAsync(NodeProcess node, TimeSpan time)
    {
        if (node.HasEnded)
            return;
        await node.SignalAsync("STOP");
        await Task.Delay(time);
        await node.SignalAsync("CONT");
    }

    // As a service manager does it.
    private async Task ReviveAsync()
    {
        foreach (var node in nodes.Where(static node => node.HasEnded))
        {
            EndedByThemselves++;
            node.Start();
        }

        await Task.Yield();
    }

    private void Note(string kind) => Kinds[kind] = Kinds.GetValueOrDefault(kind) + 1;

    private TimeSpan Part(double seconds) => TimeSpan.FromSeconds(dice.NextDouble() * seconds);
}

/// <summary>Something that was done, by the time of <see cref="Arrivals"/>.</summary>
/// <param name="Hit">How many nodes it concerned.</param>
internal readonly record struct Fault(TimeSpan From, TimeSpan To, int Hit);
