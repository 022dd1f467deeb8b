using System.Globalization;

namespace MailProxy.Daemon.Cli;

/// <summary>The demo's numbers. Pure.</summary>
/// <param name="Elapsed">From the first POST until the last mail was sent, failed or deferred.</param>
/// <param name="Latencies">From the POST to the event <c>message.sent</c>, one per sent mail, in any order.</param>
internal sealed record DemoResult(
    int Messages,
    IReadOnlyDictionary<string, int> States,
    TimeSpan Elapsed,
    IReadOnlyList<TimeSpan> Latencies
)
{
    private static readonly string[] AtRest = ["sent", "failed", "deferred"];

    /// <summary>Whether every mail ended in the expected state.</summary>
    public bool AsExpected => States.Values.Sum() == Messages && AtRest.All(state => States.GetValueOrDefault(state) == Expected(state));

    /// <summary>Number of mails that reached a state that the demo waits for.</summary>
    public static int Settled(IReadOnlyDictionary<string, int> states) => AtRest.Sum(state => states.GetValueOrDefault(state));

    /// <summary>The latency that the given share of the mails did not exceed (nearest rank); null without any.</summary>
    public TimeSpan? Percentile(double share)
    {
        if (Latencies.Count == 0)
            return null;
        var sorted = Latencies.Order().ToArray();
        return sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
    }

    public IEnumerable<string> Lines()
    {
        yield return $"sent      {States.GetValueOrDefault("sent"), 7}";
        yield return $"failed    {States.GetValueOrDefault("failed"), 7}   (perm@ refuses for good)";
        yield return $"deferred  {States.GetValueOrDefault("deferred"), 7}   (temp@ asks to come again)";
        foreach (
            var (state, count) in States.Where(state => !AtRest.Contains(state.Key)).OrderBy(state => state.Key, StringComparer.Ordinal)
        )
        {
            yield return $"{state, -9} {count, 7}   (not expected)";
        }

        yield return $"rate      {Number(Messages / Math.Max(Elapsed.TotalSeconds, 0.001)), 7} messages/s, posted one by one and "
            + $"sent meanwhile, in {Elapsed.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture)} s";
        if (Percentile(0.5) is { } median && Percentile(0.99) is { } tail)
        {
            yield return $"latency   {Number(median.TotalMilliseconds), 7} ms p50, {Number(tail.TotalMilliseconds)} ms p99, from "
                + "POST to sent";
        }
    }

    private int Expected(string state) => Enumerable.Range(0, Messages).Count(number => DemoMail.ExpectedState(number) == state);

    private static string Number(double value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
