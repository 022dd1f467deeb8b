using System.Diagnostics;
using MailProxy.Tests.Support.PowerCuts;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>
/// Records all that a daemon does to its disk, makes from that what a power cut at a random instant may leave, starts a daemon on it, and
/// counts what was lost and what came twice. Every fourth of those is cut again, in its recovery or behind it.
/// </summary>
internal sealed class PowerCutRun : IAsyncDisposable
{
    private const int Connections = 8,
        Clients = 4,
        Batch = 10;

    private static readonly string[] Policies = ["retry", "retry", "hold", "assume_sent"];
    private static readonly CutKind[] Kinds =
    [
        CutKind.Nothing,
        CutKind.All,
        CutKind.Pages,
        CutKind.Pages,
        CutKind.Sectors,
        CutKind.Sectors,
    ];

    private readonly PowerCutOptions _options;
    private readonly Random _dice;
    private readonly WitnessSink _sink;
    private readonly PowerStore _store;
    private readonly PowerCutResult _result = new();
    private readonly string _place;

    // Lives that are cut begin on a disk; what is left of them may be in memory, which need not be synced.
    private readonly string _memory = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    private PowerCutRun(PowerCutOptions options)
    {
        (_options, _dice) = (options, new(options.Seed));
        var faults = new Random(options.Seed + 1);
        _sink = new(() =>
        {
            lock (faults)
                return faults.NextDouble();
        });
        _store = new(_sink, Connections, options.Syncs());
        _place = Directory.CreateTempSubdirectory("mailproxy-power-").FullName;
    }

    public static async Task<int> RunAsync(string[] args, string root)
    {
        var options = PowerCutOptions.Parse(args);
        var watch = Stopwatch.StartNew();
        await using var run = new PowerCutRun(options);
        for (var life = 0; run._result.Cuts < options.Cuts; life++)
        {
            await run.CutLifeAsync(life);
            Console.WriteLine(
                $"{run._result.Cuts} cuts of {life + 1} lives, {run._result.Wrong.Count} wrong, {watch.Elapsed:hh\\:mm\\:ss}"
            );
        }

        var text = run._result.Text(options, watch.Elapsed);
        Console.WriteLine(text);
        foreach (var wrong in run._result.Wrong.Take(20))
            Console.WriteLine(wrong);
        if (options.Report)
            await ChaosReport.WriteAsync(root, ChaosReport.PowerCuts, text);
        var good = run._result.Wrong.Count == 0;
        Console.WriteLine(good ? "1 passed, 0 failed" : "0 passed, 1 failed");
        return good ? 0 : 1;
    }

    public async ValueTask DisposeAsync()
    {
        await _sink.DisposeAsync();
        Directory.Delete(_place, recursive: true);
    }

    private async Task CutLifeAsync(int number)
    {
        var data = Path.Combine(_place, $"life-{number}");
        Directory.CreateDirectory(data);
        await Life.PrepareAsync(data, _sink.Port, Connections);
        _sink.Misbehaves = true;
        var life = await _store.LiveAsync(data, PostAsync);
        _sink.Misbehaves = false;
        for (var cut = 0; cut < _options.CutsOfALife && _result.Cuts < _options.Cuts; cut++)
        {
            var next = await CutAsync([(life, Instant(life))]);
            if (cut % 4 == 0 && next is { } again)
                await CutAsync([.. again.Cuts, (again.Life, Instant(again.Life))]);
        }

        Directory.Delete(data, recursive: true);
    }

    private async Task<(Witness Life, IReadOnlyList<(Witness, long)> Cuts)?> CutAsync(IReadOnlyList<(Witness Life, long At)> cuts)
    {
        var kind = Kinds[_dice.Next(Kinds.Length)];
        var data = Directory.CreateDirectory(Path.Combine(_memory, $"mailproxy-power-{Environment.ProcessId}")).FullName;
        try
        {
            var outcome = await _store.CutAsync(cuts, kind, _dice, data);
            _result.Add(outcome, $"cut {_result.Cuts} ({kind}, at {string.Join(" and ", cuts.Select(c => c.At))})", cuts.Count);
            return outcome.Life is { } life ? (life, cuts) : null;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    // Some cuts come anywhere, some where the outside has just seen something, and some within a checkpoint.
    private long Instant(Witness life)
    {
        var instants = _dice.Next(6) switch
        {
            0 or 1 => [],
            2 => life.Recording.WritesTo(Path.Combine(life.Recording.Root, "mailproxy.db")),
            _ => life.Instants(),
        };
        return instants.Length == 0 ? _dice.NextInt64(1, life.Recording.Clock) : instants[_dice.Next(instants.Length)] + _dice.Next(0, 3);
    }

    private Task PostAsync(Life life) =>
        Task.WhenAll(
            Enumerable
                .Range(0, Clients)
                .Select(async client =>
                {
                    for (var n = 0; n < _options.Messages / Clients; )
                    {
                        var count = n % (3 * Batch) == 0 ? Batch : 1;
                        await life.PostAsync([.. Enumerable.Range(n, count).Select(i => Mail(client, i))]);
                        n += count;
                    }
                })
        );

    private static PowerMail Mail(int client, int n) =>
        new($"c{client}-{n}", Policies[n % Policies.Length], n % 40 == 39 ? 300_000 : 200 + n % 7 * 300);
}
