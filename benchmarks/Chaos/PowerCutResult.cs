using MailProxy.Tests.Support.PowerCuts;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>What the power cuts of a run came to.</summary>
internal sealed class PowerCutResult
{
    private int _second,
        _refused,
        _doubled,
        _admitted,
        _unseen;

    private static readonly string[] Watched = ["mailproxy.db", "mailproxy.db-wal", "flight", CutDisk.OpenNames];

    private readonly Dictionary<string, int> _open = [];
    private FlightDoubts _left;
    private long _acknowledged;

    public int Cuts { get; private set; }

    public List<string> Wrong { get; } = [];

    /// <param name="depth">Which cut of the same store it was, from 1.</param>
    public void Add(CutOutcome outcome, string where, int depth)
    {
        Cuts++;
        _second += depth > 1 ? 1 : 0;
        foreach (var name in Watched.Where(outcome.Open.Contains))
            _open[name] = _open.GetValueOrDefault(name) + 1;
        _left += outcome.Left;
        if (outcome.Refused is { } refused)
        {
            _refused++;
            Wrong.Add($"{where}: refused to start: {refused}");
        }

        if (outcome.Verdict is not { } verdict)
            return;
        _acknowledged += verdict.Acknowledged;
        _doubled += verdict.Doubled;
        _admitted += verdict.Admitted;
        _unseen += verdict.Unseen;
        Wrong.AddRange(verdict.Wrong.Select(wrong => $"{where}: {wrong}"));
    }

    public string Text(PowerCutOptions options, TimeSpan took) =>
        $"""
            ## Power cuts

            `dotnet run -c Release --project benchmarks -- powercut --cuts {options.Cuts} --seed {options.Seed}` on {Environment.ProcessorCount} cores, .NET {Environment.Version}, in {took:hh\:mm\:ss}.
            Every write, cut, rename and sync of SQLite's files (by a VFS), of the flight log and of the spool is recorded, with what the clients, the sink and a reader of the event log saw, in one order. From a recording follows what a cut at any instant may leave: all that was synced, and of the rest nothing,
            everything, or any selection of pages of 4 KB or sectors of 512 octets, each at an instant of its own between the last sync and the cut, and any selection of the names whose directory was not synced. A daemon starts on that under another boot and sends all it can; then its store is compared with what was seen.
            Half of the cuts come where something was just seen, a sixth within a checkpoint; every fifth store is cut a second time, mostly within its recovery.

            | | count |
            |---|---|
            | cuts | {Cuts} |
            | of these the second of a store | {_second} |
            | with unsynced writes of the database (a checkpoint was under way) | {_open.GetValueOrDefault(Watched[0])} |
            | of its log | {_open.GetValueOrDefault(Watched[1])} |
            | of the flight log | {_open.GetValueOrDefault(Watched[2])} |
            | with names of an unsynced directory | {_open.GetValueOrDefault(Watched[3])} |
            | messages acknowledged before a cut | {_acknowledged} |
            | starts refused | {_refused} |
            | **promises broken** (lost, doubled without a `message.ambiguous`, told and then untold, closed as ambiguous without a mark of its own, damaged) | **{Wrong.Count}** |
            | doubled, each with a `message.ambiguous` | {_doubled} |
            | messages with a `message.ambiguous` | {_admitted} |
            | unsettled attempts whose mark was on the disk: without the flight log's other notes all in doubt | {_left.WithMarksAlone} |
            | of these in doubt with them; the others' reply was on the disk too | {_left.Marked + _left.Out} |
            | closed or held as ambiguous though no final dot had come: marked, not sent | {_unseen} |

            """;
}
