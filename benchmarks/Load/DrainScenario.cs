using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>Sends a full queue into the sink, next to a bare MailKit loop into the same sink.</summary>
internal static class DrainScenario
{
    private const int Bytes = 2_000;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        await using var loop = await BareMailKit.ConnectAsync(sink.Port);
        using var daemon = await bench.StartAsync(sink.Port);
        var (bare, drain) = (new Row("bare MailKit loop, 8 connections"), new Row("drain"));
        var messages = bench.Options.Messages;
        var text = TestMail.Text(Bytes);

        // Both are warm before the first round counts.
        var warm = bench.Options.Scale(10_000, 1_000);
        await loop.SendAsync(warm, text);
        await DrainAsync(daemon, sink, warm, Bytes);
        for (var round = 0; round < bench.Options.Rounds; round++)
        {
            var meter = Meter.OfMyself(sink.Id);
            await loop.SendAsync(messages, text);
            bare.Add(meter.Read(messages));
            drain.Add(await DrainAsync(daemon, sink, messages, Bytes));
        }

        daemon.Store.AllSent();
        var ratio = drain.Over(bare);
        return new(
            "drain",
            "1 and 2. A full queue, beside a bare MailKit loop",
            $"""
            {messages:N0} messages of 2 KB are queued while the dispatcher is suspended; measured from activation to the last message's final state, with marks, outcomes and events on disk.
            The loop keeps eight connections open and sends one fresh `MimeMessage` each.

            {Row.Table(bare, drain)}
            Ratio of the rates, round by round: **{ratio}**.
            """,
            [Target.AtLeast("drain, by the bare MailKit loop", 1.2, ratio.Median, " ×")]
        );
    }

    /// <summary>Fills a suspended queue, then measures from activation until it is empty.</summary>
    public static async Task<Reading> DrainAsync(LoadDaemon daemon, SmtpSink sink, int messages, int bytes, int batch = 1_000)
    {
        await daemon.SuspendAsync();
        await daemon.FillAsync(messages, bytes, batch: batch);
        var meter = daemon.Meter(sink);
        await daemon.ActivateAsync();
        await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(10));
        return meter.Read(messages);
    }
}
