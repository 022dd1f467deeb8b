using System.Data;
using MailProxy.Benchmarks.Support;
using Npgsql;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>A million messages through one node on PostgreSQL, and in the middle a snapshot that is held open, so that nothing that was
/// deleted since can be taken away.</summary>
internal static class DriftRun
{
    public static async Task<ProofResult> RunAsync(ProofPlace place)
    {
        var options = place.Options;
        var slice = options.Test ? 2_000 : 50_000;
        var messages = options.Messages ?? (options.Test ? 8_000 : 1_000_000);
        var hold = TimeSpan.FromSeconds(options.Hold ?? (options.Test ? 5 : 600));
        var half = Math.Max(2, messages / slice / 2);
        using var sink = await SmtpSink.StartAsync();
        using var server = DurableServer.Start(DriftLook.Setting);
        await using var node = await RatedDaemon.StartAsync(place.Node("n1", server.ConnectionString), server, sink);
        using var look = new DriftLook(server);
        var slices = new List<DriftSlice>();

        async Task TakeAsync(DriftPart part)
        {
            look.Begin();
            var rated = await node.ThroughAsync(slice);
            slices.Add(look.End(part, rated));
            Console.WriteLine($"  {slices.Count * slice:N0} sent: {slices[^1]}");
        }

        await node.ThroughAsync(slice / 10 / 100 * 100); // warms up
        for (var i = 0; i < half; i++)
            await TakeAsync(DriftPart.Before);
        using (var holder = server.Open())
        {
            using var snapshot = holder.BeginTransaction(IsolationLevel.RepeatableRead);
            using (var first = new NpgsqlCommand("SELECT count(*) FROM queue", holder, snapshot))
                first.ExecuteScalar();
            for (var begun = look.Now; look.Now - begun < hold; )
                await TakeAsync(DriftPart.During);
            snapshot.Rollback();
        }

        for (var i = 0; i < half; i++)
            await TakeAsync(DriftPart.After);
        var left = await new DriftRest(server).ForgottenAsync(TimeSpan.FromMinutes(5));
        return DriftReport.Of(slices, slice, hold, left);
    }
}

internal enum DriftPart
{
    Before,
    During,
    After,
}

/// <summary>What was found of one slice.</summary>
/// <param name="Claims">Milliseconds of the server for one reading of a lane's waiting mail.</param>
/// <param name="Tables">By name: dead rows and bytes with indexes at the slice's end.</param>
internal sealed record DriftSlice(DriftPart Part, Rated Rated, double Claims, IReadOnlyDictionary<string, (long Dead, long Bytes)> Tables)
{
    public override string ToString() =>
        FormattableString.Invariant($"{Part}, {Rated.Reading.Rate:0}/s, node {Rated.Reading.Subject:0} µs, server {Rated.Server:0} µs")
        + FormattableString.Invariant(
            $", a claim {Claims:0.00} ms, {Tables["queue"].Dead} dead rows in the queue of {Tables["queue"].Bytes >> 20} MB"
        );
}
