using System.Globalization;

namespace MailProxy.Daemon.Cli;

/// <summary>First all mail was accepted and none sent, then all of it was sent.</summary>
/// <param name="AcceptedIn">From the first POST to the last 202.</param>
/// <param name="Accepting">From each POST to its 202, in any order.</param>
/// <param name="SentIn">From the end of the suspension until the last mail was sent, failed or deferred.</param>
internal sealed record DemoDrain(
    int Messages,
    IReadOnlyDictionary<string, int> States,
    TimeSpan AcceptedIn,
    IReadOnlyList<TimeSpan> Accepting,
    TimeSpan SentIn
);

/// <summary>Mail was posted at a pace below that of sending.</summary>
/// <param name="PerSecond">The pace.</param>
/// <param name="Accepting">From each POST to its 202, in any order.</param>
/// <param name="Underway">From acceptance to sent, one per sent mail, in any order.</param>
internal sealed record DemoPaced(
    int Messages,
    IReadOnlyDictionary<string, int> States,
    double PerSecond,
    IReadOnlyList<TimeSpan> Accepting,
    IReadOnlyList<TimeSpan> Underway
);

/// <summary>The demo's numbers. Pure.</summary>
internal sealed record DemoResult(DemoDrain Drain, DemoPaced Paced)
{
    private static readonly string[] AtRest = ["sent", "failed", "deferred"];

    /// <summary>Whether every mail ended in the expected state.</summary>
    public bool AsExpected => IsAsExpected(Drain.Messages, Drain.States) && IsAsExpected(Paced.Messages, Paced.States);

    /// <summary>Number of mails that reached a state that the demo waits for.</summary>
    public static int Settled(IReadOnlyDictionary<string, int> states) => AtRest.Sum(state => states.GetValueOrDefault(state));

    /// <summary>The time that the given share did not exceed (nearest rank); null without any.</summary>
    public static TimeSpan? Percentile(IReadOnlyList<TimeSpan> times, double share)
    {
        if (times.Count == 0)
            return null;
        var sorted = times.Order().ToArray();
        return sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
    }

    public IEnumerable<string> Lines()
    {
        var states = Drain.States.Concat(Paced.States).ToLookup(static state => state.Key, static state => state.Value);
        yield return "";
        yield return $"sent      {states["sent"].Sum(), 7}";
        yield return $"failed    {states["failed"].Sum(), 7}   (perm@ refuses for good)";
        yield return $"deferred  {states["deferred"].Sum(), 7}   (temp@ asks to come again)";
        foreach (var other in states.Where(static state => !AtRest.Contains(state.Key)).OrderBy(static state => state.Key))
            yield return $"{other.Key, -9} {other.Sum(), 7}   (not expected)";

        yield return "";
        yield return $"accepts   {Rate(Drain.Messages, Drain.AcceptedIn), 7} messages/s: {DemoLoad.Clients} clients, a message a request, "
            + "none sent";
        yield return $"          {Times(Drain.Accepting)} from POST to 202 meanwhile";
        yield return $"sends     {Rate(Drain.Messages, Drain.SentIn), 7} messages/s: from a full queue, none posted";
        yield return $"one mail  {Times(Paced.Accepting)} from POST to 202";
        yield return $"          {Times(Paced.Underway)} from there to sent";
        yield return $"          at {Number(Paced.PerSecond)} messages/s, which leaves no queue: none waits for another";
    }

    private static bool IsAsExpected(int messages, IReadOnlyDictionary<string, int> states) =>
        states.Values.Sum() == messages && AtRest.All(state => states.GetValueOrDefault(state) == Expected(messages, state));

    private static int Expected(int messages, string state) =>
        Enumerable.Range(0, messages).Count(number => DemoMail.ExpectedState(number) == state);

    private static string Times(IReadOnlyList<TimeSpan> times) =>
        Percentile(times, 0.5) is { } median && Percentile(times, 0.99) is { } tail
            ? $"{Number(median.TotalMilliseconds), 7} ms p50, {Number(tail.TotalMilliseconds)} ms p99"
            : "      - ms";

    private static string Rate(int messages, TimeSpan time) => Number(messages / Math.Max(time.TotalSeconds, 0.001));

    private static string Number(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
