using System.Diagnostics;
using System.Text;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>A burst over a pool of two: the server of the first account goes away in the middle of it.</summary>
internal static class PoolScenario
{
    private const int Bytes = 2_000,
        PerBatch = 500;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var messages = bench.Options.Scale(10_000, 1_000);
        var (pauses, doubled) = (new List<double>(), 0L);
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            var (pause, twice) = await CutAsync(bench, messages);
            pauses.Add(pause);
            doubled += twice;
        }

        var samples = new Samples(pauses);
        Console.WriteLine($"  first mail by the other account after {samples} ms, {doubled} doubled");
        return new(
            "pool",
            "A cut in a pool",
            $"""
            {messages:N0} messages of 2 KB wait for a pool of two accounts, `failover`. A third of the way the server of the first account closes its connections and refuses new ones. From then to the first final reply of the other account's server: **{samples} ms**. Of all {bench.Options.Rounds} rounds every message was sent, each at its first counted attempt or after a doubt that it admits; {doubled} were taken twice, all of which had said `message.ambiguous`.
            """,
            [Target.Below("first mail by the other account after a cut", 1_000, samples.Max, " ms")]
        );
    }

    private static async Task<(double Pause, long Doubled)> CutAsync(LoadBench bench, int messages)
    {
        var first = new TimingSink();
        await using var other = new TimingSink();
        using var daemon = await bench.StartAsync(first.Port);
        await daemon.Process.PutAccountAsync("other", other.Port);
        await daemon.Process.PutAsync("/v1/pools/both", new { strategy = "failover", accounts = new[] { "sink", "other" } });
        await daemon.SuspendAsync();
        await daemon.PostAsync(Batch(), "/v1/messages/batch", messages / PerBatch, 4);
        await daemon.ActivateAsync();
        await daemon.Store.PositionAsync(messages + (messages / 3), TimeSpan.FromMinutes(2));
        var cut = Stopwatch.GetTimestamp();
        await first.DisposeAsync();
        var pause = Stopwatch.GetElapsedTime(cut, await other.First.WaitAsync(TimeSpan.FromMinutes(1))).TotalMilliseconds;
        await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(5));
        daemon.Store.AllSent();
        var twice = first.Taken.Keys.Intersect(other.Taken.Keys).ToList();
        if (first.Taken.Count + other.Taken.Count - twice.Count != messages)
            throw new InvalidOperationException("A message is missing at the servers.");
        foreach (var key in twice)
        {
            if (daemon.Store.Count($"SELECT possible_duplicate FROM messages WHERE tenant || '/' || id = '{key}'") != 1)
                throw new InvalidOperationException($"{key} was taken twice and does not say so.");
        }

        return (pause, twice.Count);
    }

    private static byte[] Batch()
    {
        var text = TestMail.Text(Bytes).Replace("\n", "\\n", StringComparison.Ordinal);
        var mails = Enumerable
            .Range(0, PerBatch)
            .Select(n => $$"""{"pool":"both","from":"{{TestMail.From}}","to":"reader{{n}}@example.net","text":"{{text}}"}""");
        return Encoding.ASCII.GetBytes($$"""{"messages":[{{string.Join(',', mails)}}]}""");
    }
}
