using System.Text.Json;
using MailProxy.Tests.Support.PowerCuts;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>What kills came to, summed over the pieces of a run; kept in a file, so that a run can go on where it was cut.</summary>
internal sealed record ChaosCounts
{
    public int Pieces { get; init; }
    public int Kills { get; init; }
    public double Seconds { get; init; }
    public int Acknowledged { get; init; }
    public int Lost { get; init; }
    public int Doubled { get; init; }
    public int Unadmitted { get; init; }
    public FlightDoubts Left { get; init; }
    public int Worst { get; init; }
    public int Admitted { get; init; }
    public int ClosedAmbiguous { get; init; }
    public int ClosedUnseen { get; init; }
    public int DroppedAfterDot { get; init; }
    public int Swallowed { get; init; }
    public int Unfinished { get; init; }
    public int WrongState { get; init; }
    public int Gaps { get; init; }
    public int Damaged { get; init; }
    public int BadExits { get; init; }
    public int Reports { get; init; }
    public int Untold { get; init; }
    public int Twice { get; init; }

    /// <summary>No promise was broken.</summary>
    public bool IsGood(int connections) =>
        Lost == 0
        && Unadmitted == 0
        && Unfinished == 0
        && WrongState == 0
        && Gaps == 0
        && Damaged == 0
        && BadExits == 0
        && Worst <= connections
        && Swallowed > 0
        && Reports > 0
        && Untold == 0
        && Twice == 0;

    public static ChaosCounts operator +(ChaosCounts one, ChaosCounts other) =>
        new()
        {
            Pieces = one.Pieces + other.Pieces,
            Kills = one.Kills + other.Kills,
            Seconds = one.Seconds + other.Seconds,
            Acknowledged = one.Acknowledged + other.Acknowledged,
            Lost = one.Lost + other.Lost,
            Doubled = one.Doubled + other.Doubled,
            Unadmitted = one.Unadmitted + other.Unadmitted,
            Left = one.Left + other.Left,
            Worst = Math.Max(one.Worst, other.Worst),
            Admitted = one.Admitted + other.Admitted,
            ClosedAmbiguous = one.ClosedAmbiguous + other.ClosedAmbiguous,
            ClosedUnseen = one.ClosedUnseen + other.ClosedUnseen,
            DroppedAfterDot = one.DroppedAfterDot + other.DroppedAfterDot,
            Swallowed = one.Swallowed + other.Swallowed,
            Unfinished = one.Unfinished + other.Unfinished,
            WrongState = one.WrongState + other.WrongState,
            Gaps = one.Gaps + other.Gaps,
            Damaged = one.Damaged + other.Damaged,
            BadExits = one.BadExits + other.BadExits,
            Reports = one.Reports + other.Reports,
            Untold = one.Untold + other.Untold,
            Twice = one.Twice + other.Twice,
        };

    public static string FileIn(string root) => Path.Combine(root, "benchmarks", "results", "chaos.json");

    public static ChaosCounts Read(string root) =>
        File.Exists(FileIn(root)) ? JsonSerializer.Deserialize<ChaosCounts>(File.ReadAllText(FileIn(root)))! : new();

    public void Write(string root) => File.WriteAllText(FileIn(root), JsonSerializer.Serialize(this, Indented) + "\n");

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
}
