using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>Large messages: 100 KB, which stand in the row, and 10 MB, which stand in spool files.</summary>
internal static class LargeScenario
{
    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        await using var loop = await BareMailKit.ConnectAsync(sink.Port);
        using var daemon = await bench.StartAsync(sink.Port);
        var (bare100K, drain100K) = (new Row("100 KB: bare MailKit loop"), new Row("100 KB: drain"));
        var (bare10M, drain10M) = (new Row("10 MB: bare MailKit loop"), new Row("10 MB: drain"));

        async Task RoundAsync(Row? bare, Row? drain, int messages, int bytes, int batch)
        {
            var meter = Meter.OfMyself(sink.Id);
            await loop.SendAsync(messages, TestMail.Text(bytes));
            bare?.Add(meter.Read(messages));
            var reading = await DrainScenario.DrainAsync(daemon, sink, messages, bytes, batch);
            drain?.Add(reading);
        }

        await RoundAsync(null, null, bench.Options.Scale(500, 100), 100_000, 100);
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            await RoundAsync(bare100K, drain100K, bench.Options.Scale(3_000, 200), 100_000, 100);
            await RoundAsync(bare10M, drain10M, bench.Options.Scale(40, 4), 10_000_000, 4);
        }

        daemon.Store.AllSent();
        var (_, peak) = CpuTime.Memory(daemon.Process.Id);
        return new(
            "large",
            "7. Large messages",
            $"""
            As in 1 and 2, with larger plain text.

            {Row.Table(bare100K, drain100K, bare10M, drain10M)}
            The daemon's memory was {peak >> 20} MB at most.
            """,
            [Target.AtLeast("100 KB messages", 750, drain100K.Rate.Median, "/s")]
        );
    }
}
