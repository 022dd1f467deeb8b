using System.Text.Json;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What faults came to, summed over the pieces of a run; kept in a file, so that a run can go on where it was cut.</summary>
internal sealed record NodesCounts
{
    private const string FileName = "nodes.json";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public int Pieces { get; init; }
    public int Faults { get; init; }
    public Dictionary<string, int> Kinds { get; init; } = [];
    public double Seconds { get; init; }
    public int Acknowledged { get; init; }
    public int Lost { get; init; }
    public int Doubled { get; init; }
    public int Unadmitted { get; init; }
    public int MostOfAFault { get; init; }
    public int TooManyOfAFault { get; init; }
    public int DroppedAfterDot { get; init; }
    public int Unfinished { get; init; }
    public int WrongState { get; init; }
    public int Gaps { get; init; }
    public long Events { get; init; }
    public long FeedMissed { get; init; }
    public long FeedTwice { get; init; }
    public long FeedUnordered { get; init; }
    public long WebhookMissed { get; init; }
    public int WebhookReordered { get; init; }
    public int MostInAMinute { get; init; }
    public int EndedByThemselves { get; init; }
    public int BadExits { get; init; }
    public List<double> TakeOvers { get; init; } = [];

    public bool IsGood =>
        Lost + Unadmitted + TooManyOfAFault + Unfinished + WrongState + Gaps + BadExits == 0
        && FeedMissed + FeedTwice + FeedUnordered + WebhookMissed + WebhookReordered == 0
        && MostInAMinute <= NodesClient.LimitPerMinute + NodesClient.UnderWay;

    public static NodesCounts operator +(NodesCounts one, NodesCounts other) =>
        new()
        {
            Pieces = one.Pieces + other.Pieces,
            Faults = one.Faults + other.Faults,
            Kinds = one
                .Kinds.Concat(other.Kinds)
                .GroupBy(static kind => kind.Key)
                .ToDictionary(static kind => kind.Key, static kind => kind.Sum(static count => count.Value)),
            Seconds = one.Seconds + other.Seconds,
            Acknowledged = one.Acknowledged + other.Acknowledged,
            Lost = one.Lost + other.Lost,
            Doubled = one.Doubled + other.Doubled,
            Unadmitted = one.Unadmitted + other.Unadmitted,
            MostOfAFault = Math.Max(one.MostOfAFault, other.MostOfAFault),
            TooManyOfAFault = one.TooManyOfAFault + other.TooManyOfAFault,
            DroppedAfterDot = one.DroppedAfterDot + other.DroppedAfterDot,
            Unfinished = one.Unfinished + other.Unfinished,
            WrongState = one.WrongState + other.WrongState,
            Gaps = one.Gaps + other.Gaps,
            Events = one.Events + other.Events,
            FeedMissed = one.FeedMissed + other.FeedMissed,
            FeedTwice = one.FeedTwice + other.FeedTwice,
            FeedUnordered = one.FeedUnordered + other.FeedUnordered,
            WebhookMissed = one.WebhookMissed + other.WebhookMissed,
            WebhookReordered = one.WebhookReordered + other.WebhookReordered,
            MostInAMinute = Math.Max(one.MostInAMinute, other.MostInAMinute),
            EndedByThemselves = one.EndedByThemselves + other.EndedByThemselves,
            BadExits = one.BadExits + other.BadExits,
            TakeOvers = [.. one.TakeOvers, .. other.TakeOvers],
        };

    public static NodesCounts Read(string root)
    {
        var file = Path.Combine(root, "benchmarks", "results", FileName);
        return File.Exists(file) ? JsonSerializer.Deserialize<NodesCounts>(File.ReadAllText(file))! : new();
    }

    public void Write(string root) =>
        File.WriteAllText(Path.Combine(root, "benchmarks", "results", FileName), JsonSerializer.Serialize(this, Indented) + "\n");
}
