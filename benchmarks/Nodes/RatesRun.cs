using System.Globalization;
using MailProxy.Benchmarks.Load;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>One node on PostgreSQL beside one on SQLite, and beside the queue that a .NET team would use instead.</summary>
internal static class RatesRun
{
    private const double Share = 0.55;

    public static async Task<ProofResult> RunAsync(ProofPlace place)
    {
        var options = place.Options;
        var rounds = options.Rounds ?? (options.Test ? 1 : 7);
        var messages = (options.Messages ?? (options.Test ? 2_000 : 20_000)) / 1_000 * 1_000;
        if (messages == 0)
            throw new ArgumentException("--messages must be 1000 or more.");
        var jobs = messages / 10;
        using var sink = await SmtpSink.StartAsync();
        using var server = DurableServer.Start();
        await using var postgres = await RatedDaemon.StartAsync(place.Node("postgres", server.ConnectionString), server, sink);
        await using var sqlite = await RatedDaemon.StartAsync(place.Lone("sqlite"), null, sink);
        using var hangfire = new HangfireQueue(server, sink);

        Dictionary<string, RatedRow> rows = new[]
        {
            "through, SQLite",
            "through, PostgreSQL",
            "drain, SQLite",
            "drain, PostgreSQL",
            "Hangfire, enqueued",
            "Hangfire, drained",
        }.ToDictionary(static name => name, static name => new RatedRow(name));
        for (var round = -1; round < rounds; round++)
        {
            var amount = round < 0 ? Math.Max(1_000, messages / 10 / 1_000 * 1_000) : messages;
            (string Name, Func<Task<Rated>> Run)[] turn =
            [
                ("through, SQLite", () => sqlite.ThroughAsync(amount)),
                ("through, PostgreSQL", () => postgres.ThroughAsync(amount)),
                ("drain, SQLite", () => sqlite.DrainAsync(amount)),
                ("drain, PostgreSQL", () => postgres.DrainAsync(amount)),
            ];

            // Who begins changes with each round.
            if (round % 2 != 0)
                turn = [turn[1], turn[0], turn[3], turn[2]];
            foreach (var (name, run) in turn)
                Keep(name, await run());
            Keep("Hangfire, enqueued", await hangfire.EnqueueAsync(jobs));
            Keep("Hangfire, drained", await hangfire.DrainAsync(jobs));

            void Keep(string name, Rated rated)
            {
                if (round >= 0)
                    rows[name].Add(rated);
            }
        }

        sqlite.Daemon.Store.AllSent();
        var (through, drain) = (
            rows["through, PostgreSQL"].Over(rows["through, SQLite"]),
            rows["drain, PostgreSQL"].Over(rows["drain, SQLite"])
        );
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {rounds} rounds, in each of them all in turn; medians (least to most), ratios round by round. {messages:N0} messages of 2 KB, from one client into `smtp-sink`, over 8 connections of one account.
            *Through*: batches of 100 over 8 connections are posted while they are sent, from the first byte to the last final state. *Drain*: a full queue, from activation to the last final state.
            PostgreSQL with fsync on ({DurableServer.Differences}), on the same disk and the same {Environment.ProcessorCount} cores. Its CPU is that of all its processes, autovacuum and checkpoints too.

            {RatedRow.Table(rows.Values)}
            PostgreSQL by SQLite: through **{through}**, drain **{drain}**.
            Hangfire.Core {HangfireQueue.Version} with Hangfire.PostgreSql on the same server, {jobs:N0} jobs a round that hold the same mail: eight threads enqueue while no worker runs; then {HangfireQueue.Workers} workers (its default here) drain them, from the start of its server to the last job in the state Succeeded. Each sends with MailKit over a connection that it keeps (a connection a mail would be slower). `UseSlidingInvisibilityTimeout`, `QueuePollInterval` 1 s (default 15 s), everything else as it comes. It runs in the client's process, whose CPU stands as its own.
            """
        );
        return new(
            new(
                "rates",
                "One node on PostgreSQL, beside SQLite and Hangfire",
                text,
                [Target.AtLeast("through on PostgreSQL, by SQLite", Share, through.Median, " ×")]
            ),
            true
        );
    }
}
