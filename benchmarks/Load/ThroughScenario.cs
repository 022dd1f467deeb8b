using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// In at one end and out at the other at the same time: the daemon, and Postfix between <c>smtp-source</c> and the same sink.
/// </summary>
internal static class ThroughScenario
{
    private const int Bytes = 2_000,
        PerBatch = 100;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var sink = await SmtpSink.StartAsync();
        using var daemon = await bench.StartAsync(sink.Port);
        await using var postfix = PostfixRelay.IsInstalled ? await PostfixRelay.StartAsync(sink.Port) : null;
        var (single, batch, relay) = (
            new Row("daemon, single posts on 64 connections"),
            new Row("daemon, batches of 100 on 8 connections"),
            new Row("Postfix, smtp-source with 64 sessions")
        );
        var (messages, relayed) = (bench.Options.Scale(20_000, 2_000), bench.Options.Scale(5_000, 500));
        var (one, hundred) = (TestMail.Single(1, Bytes), TestMail.Batch(PerBatch, Bytes));

        async Task<Reading> ThroughAsync(Func<Task> post)
        {
            var meter = daemon.Meter(sink);
            await post();
            await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(10));
            return meter.Read(messages);
        }

        for (var round = -1; round < bench.Options.Rounds; round++)
        {
            var bySingle = await ThroughAsync(() => daemon.PostAsync(one, "/v1/messages", messages, 64));
            var byBatch = await ThroughAsync(() => daemon.PostAsync(hundred, "/v1/messages/batch", messages / PerBatch, 8));
            Reading? byRelay = null;
            if (postfix is not null)
            {
                var meter = new Meter(() => CpuTime.OfTree(postfix.Id), sink.Id);
                await postfix.PassAsync(relayed, Bytes);
                byRelay = meter.Read(relayed);
            }

            if (round < 0)
                continue; // warms up
            single.Add(bySingle);
            batch.Add(byBatch);
            if (byRelay is { } reading)
                relay.Add(reading);
        }

        daemon.Store.AllSent();
        return Section(single, batch, postfix is null ? null : relay, messages, relayed);
    }

    private static LoadSection Section(Row single, Row batch, Row? relay, int messages, int relayed)
    {
        if (relay is null)
        {
            return new(
                "through",
                "3 and 4. Through",
                $"{messages:N0} messages of 2 KB are posted while they are being sent; measured from the first byte posted to the "
                    + $"last final state.\n\n{Row.Table(single, batch)}\nPostfix is not installed here, or we are not root: no "
                    + "comparison.",
                []
            );
        }

        var (bySingle, byBatch) = (single.Over(relay), batch.Over(relay));
        return new(
            "through",
            "3 and 4. Through, beside Postfix",
            $"""
            {messages:N0} messages of 2 KB are posted while they are being sent; measured from the first byte posted to the last final state. Postfix gets {relayed:N0} from `smtp-source` and relays
            them to the same sink (Debian's defaults but for limits on clients, which are off; log to a pipe that is read); measured until the last has left its queue, its CPU with that of all its processes.

            {Row.Table(single, batch, relay)}
            By Postfix: single **{bySingle}**, batches **{byBatch}**.
            """,
            [
                Target.AtLeast("through in batches, by Postfix", 10, byBatch.Median, " ×"),
                Target.AtLeast("through in single posts, by Postfix", 10, bySingle.Median, " ×"),
            ]
        );
    }
}
