using System.Globalization;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>What retention costs a drain.</summary>
internal static class RetentionScenario
{
    private const int Bytes = 2_000;

    private static readonly Dictionary<string, string> Kept = new() { ["MAILPROXY_RETENTION__CONTENT"] = "3650d" };

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        var (keeping, purging) = (new Row("content is kept"), new Row("content goes as soon as it is reported"));
        var messages = bench.Options.Messages;
        var late = TimeSpan.Zero;
        using var daemon = await bench.StartAsync(sink.Port);
        using var other = await bench.StartAsync(sink.Port, Kept);
        var warm = bench.Options.Scale(10_000, 1_000);
        await DrainScenario.DrainAsync(daemon, sink, warm, Bytes);
        await DrainScenario.DrainAsync(other, sink, warm, Bytes);
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            keeping.Add(await DrainScenario.DrainAsync(other, sink, messages, Bytes));
            purging.Add(await DrainScenario.DrainAsync(daemon, sink, messages, Bytes));
            late = await daemon.PurgedAsync();
        }

        var (slowKept, slowPurged) = (await SlowTurnsAsync(other), await SlowTurnsAsync(daemon));
        daemon.Store.AllSent();
        var cost = purging.Over(keeping);
        return new(
            "retention",
            "12. Retention",
            $"""
            Drains of {messages:N0} messages of 2 KB. Two daemons in turn, one that keeps content and one that drops it as soon as it is reported, which with no webhook is at once.

            {Row.Table(keeping, purging)}
            Rate with purging by the rate without, round by round: **{cost}**. Turns of the store's writer that took longer than 20 ms: {slowPurged} with purging, {slowKept} without. The last content went {late.TotalSeconds:0.0} s after the last mail.
            """,
            [Target.AtLeast("drain with purging, by the drain without", 0.8, cost.Median, " ×")]
        );
    }

    private static async Task<string> SlowTurnsAsync(LoadDaemon daemon)
    {
        const string Name = "mailproxy_store_commit_seconds_";
        var text = await daemon.Process.Http.GetStringAsync("/metrics");
        double Value(string line) =>
            double.Parse(
                text.Split('\n').First(l => l.StartsWith(Name + line, StringComparison.Ordinal)).Split(' ')[^1],
                CultureInfo.InvariantCulture
            );
        var (all, quick) = (Value("count"), Value("bucket{le=\"0.02\"}"));
        return string.Create(CultureInfo.InvariantCulture, $"{(all - quick) / all:0.00 %}");
    }
}
