using MailProxy.Benchmarks.Stages;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Report;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// What the mark costs: the same outcomes with and without it, of eight connections at a time.
/// </summary>
internal static class MarkScenario
{
    private const int Connections = 8;

    private static readonly RecipientVerdict[] Taken = [new(0, "reader1@example.net", Verdict.Accepted, 250, "2.0.0", "taken")];

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        using var fixture = new StageFixture();
        var settler = new Settler(new ReportOptions(), static _ => null, static () => 0.5);
        var messages = bench.Options.Scale(10_000, 800);
        var (with, without) = (new Row("outcomes and marks"), new Row("outcomes alone"));
        for (var round = -1; round < bench.Options.Rounds; round++)
        {
            var marked = await MeasureAsync(fixture, settler, messages, marks: true);
            var unmarked = await MeasureAsync(fixture, settler, messages, marks: false);
            if (round < 0)
                continue; // warms up
            with.Add(marked);
            without.Add(unmarked);
        }

        return new(
            "mark",
            "9. The mark's cost",
            $"""
            The daemon's own writer in this process, {Connections} messages a turn, each turn one synced commit, and with marks one sync of the flight log before it.

            {Row.Table(with, without)}
            Rate without marks by the rate with them, round by round: **{without.Over(with)}**.
            """,
            []
        );
    }

    private static async Task<Reading> MeasureAsync(StageFixture fixture, Settler settler, int messages, bool marks)
    {
        var content = StageFixture.Content();
        var turns = Enumerable.Range(0, messages / Connections).Select(_ => fixture.Append(Connections)).ToList();
        var now = StageFixture.Now;
        var meter = Meter.OfMyself(null);
        foreach (var turn in turns)
        {
            var begun = marks ? await fixture.BeginAsync(turn) : null;
            var written = await fixture.Store.CommitAsync([
                .. turn.Select((ticket, i) => settler.Attempted(ticket, content, Taken, now) with { Mark = begun?[i] }),
            ]);
            if (written.Contains(false))
                throw new InvalidOperationException("A ticket was stale.");
        }

        return meter.Read(messages);
    }
}
