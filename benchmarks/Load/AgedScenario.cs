using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// Whether a store that has sent a million messages drains more slowly than an empty one. Both drain in turn, in changing order, so that a
/// machine that slows down slows both.
/// </summary>
internal static class AgedScenario
{
    private const int Bytes = 2_000;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        using var aged = await bench.StartAsync(sink.Port);
        var sent = bench.Options.Aged;
        var slice = Math.Max(1_000, sent / 5 / 1_000 * 1_000);
        for (var done = 0; done < sent; done += slice)
        {
            await DrainScenario.DrainAsync(aged, sink, slice, Bytes);
            await aged.PurgedAsync();
            Console.WriteLine($"  {done + slice:N0} sent");
        }

        var size = new FileInfo(Path.Combine(aged.Process.Data, "mailproxy.db")).Length >> 20;
        var rows = string.Join(
            ", ",
            new[] { "messages", "recipients", "events", "bodies" }.Select(table =>
                $"{aged.Store.Count($"SELECT count(*) FROM {table}"):N0} {table}"
            )
        );
        using var empty = await bench.StartAsync(sink.Port);
        var warm = bench.Options.Scale(10_000, 1_000);
        await DrainScenario.DrainAsync(empty, sink, warm, Bytes);
        await DrainScenario.DrainAsync(aged, sink, warm, Bytes);

        var (young, old) = (new Row("a store that was empty"), new Row($"a store that has sent {sent:N0}"));
        var messages = bench.Options.Messages;
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            (Row Row, LoadDaemon Daemon)[] turn = [(young, empty), (old, aged)];
            foreach (var (row, daemon) in round % 2 == 0 ? turn : turn.Reverse())
            {
                row.Add(await DrainScenario.DrainAsync(daemon, sink, messages, Bytes));
                await daemon.PurgedAsync();
            }
        }

        aged.Store.AllSent();
        empty.Store.AllSent();
        var ratio = old.Over(young);
        return new(
            "aged",
            $"16. A store that has sent {sent:N0} messages",
            $"""
            Drains of {messages:N0} messages of 2 KB, of two daemons in turn: one whose store has sent {sent:N0} messages (it holds {rows}; {size:N0} MB), and one whose store was empty. Who begins changes with each round.

            {Row.Table(young, old)}
            Rate of the old store by that of the young one, round by round: **{ratio}**.
            """,
            [Target.AtLeast($"drain after {sent:N0} sent messages, by one of an empty store in turn", 0.9, ratio.Median, " ×")]
        );
    }
}
