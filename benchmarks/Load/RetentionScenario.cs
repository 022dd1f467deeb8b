using System.Diagnostics;
using System.Globalization;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>What retention costs a drain, and whether a million sent messages slow one down.</summary>
internal static class RetentionScenario
{
    private const int Bytes = 2_000;

    private static readonly Dictionary<string, string> Kept = new() { ["MAILPROXY_RETENTION__CONTENT"] = "3650d" };

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        var (keeping, purging, after) = (
            new Row("content is kept"),
            new Row("content goes as soon as it is reported"),
            new Row("the same, after the million")
        );
        var messages = bench.Options.Messages;
        string slowKept,
            slowPurged;
        using var daemon = await bench.StartAsync(sink.Port);
        using (var other = await bench.StartAsync(sink.Port, Kept))
        {
            var warm = bench.Options.Scale(10_000, 1_000);
            await DrainScenario.DrainAsync(daemon, sink, warm, Bytes);
            await DrainScenario.DrainAsync(other, sink, warm, Bytes);
            for (var round = 0; round < bench.Options.Rounds; round++)
            {
                keeping.Add(await DrainScenario.DrainAsync(other, sink, messages, Bytes));
                purging.Add(await DrainScenario.DrainAsync(daemon, sink, messages, Bytes));
                await PurgedAsync(daemon);
            }

            (slowKept, slowPurged) = (await SlowTurnsAsync(other), await SlowTurnsAsync(daemon));
        }

        var million = bench.Options.Scale(1_000_000, 5_000);
        var slice = million / 5;
        var late = TimeSpan.Zero;
        for (var sent = 0; sent < million; sent += slice)
        {
            await DrainScenario.DrainAsync(daemon, sink, slice, Bytes);
            late = await PurgedAsync(daemon);
        }

        var sizes = string.Join(
            '\n',
            new[] { "queue", "bodies", "retained", "messages", "recipients", "events" }.Select(table =>
                $"| {table} | {daemon.Store.Count($"SELECT count(*) FROM {table}"):N0} |"
            )
        );
        var before = new FileInfo(Path.Combine(daemon.Process.Data, "mailproxy.db")).Length >> 20;
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            after.Add(await DrainScenario.DrainAsync(daemon, sink, messages, Bytes));
            await PurgedAsync(daemon);
        }

        daemon.Store.AllSent();
        var (cost, growth) = (purging.Over(keeping), after.Over(purging));
        return new(
            "retention",
            "12. Retention",
            $"""
            Drains of {messages:N0} messages of 2 KB. Two daemons in turn, one that keeps content and one that drops it as soon as it is reported, which with no webhook is at once; then {million:N0} messages through the second, and its drains again.

            {Row.Table(keeping, purging, after)}
            Rate with purging by the rate without, round by round: **{cost}**. After {million:N0} sent messages by before: **{growth}**. Turns of the store's writer that took longer than 20 ms: {slowPurged} with purging, {slowKept} without. The last content went {late.TotalSeconds:0.0} s after the last mail of {slice:N0}.

            What the store holds after {million:N0} sent messages, {before:N0} MB in all:

            | table | rows |
            |---|---|
            {sizes}
            """,
            [
                Target.AtLeast("drain with purging, by the drain without", 0.8, cost.Median, " ×"),
                Target.AtLeast($"drain after {million:N0} sent messages, by before", 0.9, growth.Median, " ×"),
            ]
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

    /// <summary>How long after the call all content was gone.</summary>
    private static async Task<TimeSpan> PurgedAsync(LoadDaemon daemon)
    {
        var begun = Stopwatch.GetTimestamp();
        await daemon.Store.UntilAsync("SELECT NOT EXISTS (SELECT 1 FROM bodies)", TimeSpan.FromMinutes(5));
        return Stopwatch.GetElapsedTime(begun);
    }
}
