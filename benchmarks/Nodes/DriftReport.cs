using System.Globalization;
using System.Text;
using MailProxy.Benchmarks.Load;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What drifted.</summary>
internal static class DriftReport
{
    private const double Kept = 0.9;

    public static ProofResult Of(List<DriftSlice> slices, int size, TimeSpan hold, long left)
    {
        // The first slice fills empty tables.
        var before = slices.Where(static one => one.Part == DriftPart.Before).Skip(1).ToList();
        var during = slices.Where(static one => one.Part == DriftPart.During).ToList();
        var after = slices.Where(static one => one.Part == DriftPart.After).ToList();
        var ratio = Rate(after) / Rate(before);
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"""
            {slices.Count * size:N0} messages of 2 KB go through one node on PostgreSQL (fsync on; {DurableServer.Differences}, `pg_stat_statements`; autovacuum as it comes), in slices of {size:N0}: batches of 100 over 8 connections are posted while they are sent, into `smtp-sink`. Retention is the default: bodies go when the mail is sent. After half of them a transaction takes a snapshot (REPEATABLE READ, one SELECT) and stands idle for {hold.TotalSeconds:0} s, while slices go on; then the other half. A claim is one reading of a lane's waiting mail, by the server's clock. {left} bodies were left at the end.

            | median of the slices | messages a second | CPU µs a message: node | PostgreSQL | ms a claim | dead rows in `queue`, most | `queue`, most MB |
            |---|---|---|---|---|---|---|
            {Row("before (without the first)", before)}{Row("while the snapshot is held", during)}{Row("after", after)}
            Rate by that before: while it is held **{Rate(during) / Rate(before):0.00}**, after **{ratio:0.00}**.

            Slice by slice; of each table the dead rows in thousands, and MB with indexes:

            | sent, thousands | snapshot | messages/s | node µs | PostgreSQL µs | ms a claim | {string.Join(
                " | ",
                DriftLook.Tables.Select(static table => $"`{table}`")
            )} |
            |{string.Concat(Enumerable.Repeat("---|", 6 + DriftLook.Tables.Length))}

            """
        );
        for (var i = 0; i < slices.Count; i++)
            text.Append(Line(slices[i], (i + 1) * size));
        return new(
            new(
                "drift",
                "A million messages, and a snapshot that is held open",
                text.ToString(),
                [Target.AtLeast("rate after the snapshot, by that before", Kept, ratio, " ×")]
            ),
            left == 0
        );
    }

    private static double Rate(IEnumerable<DriftSlice> slices) => Of(slices, static one => one.Rated.Reading.Rate).Median;

    private static Samples Of(IEnumerable<DriftSlice> slices, Func<DriftSlice, double> part) => new(slices.Select(part));

    private static string Row(string name, List<DriftSlice> slices) =>
        $"| {name} | {Of(slices, static one => one.Rated.Reading.Rate)} | {Of(slices, static one => one.Rated.Reading.Subject)} | "
        + $"{Of(slices, static one => one.Rated.Server)} | {Of(slices, static one => one.Claims)} | "
        + string.Create(
            CultureInfo.InvariantCulture,
            $"{slices.Max(static one => one.Tables["queue"].Dead):N0} | {slices.Max(static one => one.Tables["queue"].Bytes) >> 20:N0} |\n"
        );

    private static string Line(DriftSlice one, int sent)
    {
        var (rated, part) = (one.Rated, one.Part == DriftPart.During ? "held" : "");
        var tables = string.Join(" | ", DriftLook.Tables.Select(table => Table(one.Tables[table])));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {sent / 1000:N0} | {part} | {rated.Reading.Rate:#,0} | {rated.Reading.Subject:0} | {rated.Server:0} "
                + $"| {one.Claims:0.00} | {tables} |\n"
        );
    }

    private static string Table((long Dead, long Bytes) table) =>
        string.Create(CultureInfo.InvariantCulture, $"{table.Dead / 1000.0:0.0}, {table.Bytes >> 20:N0}");
}
