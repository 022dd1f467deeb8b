using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>What is taken in when nothing is sent, beside an endpoint that stores nothing and a loop that only stores.</summary>
internal static class IngestScenario
{
    private const int Bytes = 2_000,
        Connections = 64,
        PerBatch = 100;

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var endpoint = await BareEndpoint.StartAsync();
        using var statements = new BareStatements(Directory.CreateTempSubdirectory("mailproxy-load-").FullName);
        using var daemon = await bench.StartAsync(DaemonProcess.FreePort());
        await daemon.SuspendAsync();

        var (bareSingle, single) = (new Row("single: bare Kestrel endpoint"), new Row("single: daemon"));
        var (bareBatch, bareRows, batch) = (
            new Row("batches of 100: bare Kestrel endpoint"),
            new Row("batches of 100: bare loop of the same statements"),
            new Row("batches of 100: daemon")
        );
        var (singles, batches) = (bench.Options.Scale(30_000, 2_000), bench.Options.Scale(500, 20));
        var one = TestMail.Single(1, Bytes);
        var hundred = TestMail.Batch(PerBatch, Bytes);

        async Task<Reading> PostAsync(Uri server, int process, string path, byte[] body, int requests, int each)
        {
            var meter = Meter.Of(process, null);
            await Poster.RunAsync(server, HttpLane.Request(path, body, DaemonProcess.Key), requests, Connections);
            return meter.Read(requests * each);
        }

        Task<Reading> Bare(string path, byte[] body, int requests, int each) =>
            PostAsync(endpoint.Address, endpoint.Id, path, body, requests, each);
        Task<Reading> Ours(string path, byte[] body, int requests, int each) =>
            PostAsync(daemon.Process.Base, daemon.Process.Id, path, body, requests, each);
        Reading Rows(int messages)
        {
            var meter = Meter.OfMyself(null);
            statements.Insert(messages, Bytes);
            return meter.Read(messages);
        }

        for (var round = -1; round < bench.Options.Rounds; round++)
        {
            // Round -1 warms everything up.
            void Add(Row row, Reading reading)
            {
                if (round >= 0)
                    row.Add(reading);
            }

            Add(bareSingle, await Bare("/v1/messages", one, singles, 1));
            Add(single, await Ours("/v1/messages", one, singles, 1));
            Add(bareBatch, await Bare("/v1/messages/batch", hundred, batches, PerBatch));
            Add(bareRows, Rows(batches * PerBatch));
            Add(batch, await Ours("/v1/messages/batch", hundred, batches, PerBatch));
        }

        var (bySingle, byRows) = (single.Over(bareSingle), batch.Over(bareRows));
        return new(
            "ingest",
            "5. Ingest alone",
            $"""
            {Connections} connections post messages of 2 KB while the dispatcher is suspended; each answer comes after the commit. The bare endpoint parses the same JSON into objects and stores nothing.
            The bare loop runs the same statements on the same schema, {256} messages a commit, without HTTP, parsing or validation.

            {Row.Table(bareSingle, single, bareBatch, bareRows, batch)}
            Single, daemon by bare endpoint: **{bySingle}**. Batches, daemon by bare loop: **{byRows}**; by bare endpoint: {batch.Over(
                bareBatch
            )}.
            """,
            [
                Target.AtLeast("single ingest, by the bare endpoint", 0.4, bySingle.Median, " ×"),
                Target.AtLeast("batched ingest, by the same statements in a bare loop", 0.9, byRows.Median, " ×"),
            ]
        );
    }
}
