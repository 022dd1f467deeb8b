using System.Diagnostics;
using System.Globalization;
using System.Text;
using MailProxy.Benchmarks.Support;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>A burst over a pool of two: the server of the first account goes away in the middle of it, and comes back.</summary>
internal static class PoolScenario
{
    private const int Bytes = 2_000,
        PerBatch = 500,
        Connections = 8;

    /// <summary>How the first server goes away.</summary>
    private sealed record Cut(string Name, int Most, Func<Heard, Said?>? Says = null, bool Closes = false, bool Swallows = false);

    private static readonly Cut[] Cuts =
    [
        new("connections closed, new ones refused", 1_000, Closes: true),
        new("`421` at the greeting and to MAIL", 1_000, static heard => heard.Verb is "CONNECT" or "MAIL" ? Last("421 4.3.2 busy") : null),
        new("`535` at the greeting and to MAIL", 1_000, static heard => heard.Verb is "CONNECT" or "MAIL" ? Last("535 5.7.8 no") : null),
        new("`454`, the quota of the day, to MAIL", 1_000, static heard => heard.Verb == "MAIL" ? (Said?)Quota : null),
        new("packets vanish on all connections, new ones too", 31_000, Swallows: true),
    ];

    // A doubt is tried again after a second, and not after a minute.
    private static readonly Dictionary<string, string> Impatient = new() { ["MAILPROXY_REPORT__RETRYMINUTES"] = "0.02, 0.1, 0.1, 0.1" };

    private const string OnlyDoubts =
        "SELECT NOT EXISTS (SELECT 1 FROM queue JOIN messages ON number = message WHERE NOT possible_duplicate)";

    private const string Quota = "454 4.7.0 Throttling failure: Daily message quota exceeded.";

    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var messages = bench.Options.Scale(10_000, 1_000);
        var (rows, targets) = (new StringBuilder(), new List<Target>());
        foreach (var cut in Cuts)
        {
            var (pauses, doubled, spent) = (new List<double>(), 0, 0);
            for (var round = 0; round < Math.Min(bench.Options.Rounds, 3); round++)
            {
                var (pause, twice, again) = await CutAsync(bench, cut, messages);
                pauses.Add(pause);
                (doubled, spent) = (doubled + twice, spent + again);
            }

            var samples = new Samples(pauses);
            Console.WriteLine($"  {cut.Name}: first mail by the other account after {samples} ms, {doubled} doubled, {spent} attempts");
            rows.Append(CultureInfo.InvariantCulture, $"| {cut.Name} | {samples} | {doubled} | {spent} |\n");
            targets.Add(Target.Below($"first mail by the other account: {cut.Name}", cut.Most, samples.Max, " ms"));
        }

        return new(
            "pool",
            "A cut in a pool",
            $"""
            {messages:N0} messages of 2 KB wait for a pool of two accounts, `failover`. A third of the way the first account's server is cut. Time from then to the first final reply of the other account's server. In every round each message was sent, and taken once unless it says `possible_duplicate`; with one counted attempt, unless it admits a doubt or its body was under way (of each connection one at most: what breaks in the middle of a body may be the message's fault); then the first server came back and was used again.

            | the first server | first mail by the other, ms | taken twice, admitted | second attempts |
            |---|---|---|---|
            {rows.ToString().TrimEnd()}
            """,
            targets
        );
    }

    private static Said? Last(string reply) => ((Said)reply) with { Then = SaidThen.Close };

    private static async Task<(double Pause, int Doubled, int Spent)> CutAsync(LoadBench bench, Cut cut, int messages)
    {
        var isCut = 0;
        Said? Say(Heard heard) => Volatile.Read(ref isCut) == 1 ? cut.Says?.Invoke(heard) : null;
        var first = new TimingSink(Say);
        var (gone, port) = (first, first.Port);
        await using var other = new TimingSink();
        using var daemon = await bench.StartAsync(port, Impatient);
        await daemon.Process.PutAccountAsync("other", other.Port);
        await daemon.Process.PutAsync("/v1/pools/both", new { strategy = "failover", accounts = new[] { "sink", "other" } });
        await daemon.SuspendAsync();
        await daemon.PostAsync(Batch(), "/v1/messages/batch", messages / PerBatch, 4);
        await daemon.ActivateAsync();
        await daemon.Store.PositionAsync(messages + (messages / 3), TimeSpan.FromMinutes(2));

        var at = Stopwatch.GetTimestamp();
        Volatile.Write(ref isCut, 1);
        if (cut.Closes)
            await first.DisposeAsync();
        else if (cut.Swallows)
            first.SwallowPackets();
        var pause = Stopwatch.GetElapsedTime(at, await other.First.WaitAsync(TimeSpan.FromMinutes(1))).TotalMilliseconds;

        // What is in doubt stays with the first account: nobody else would know a second copy.
        await daemon.Store.UntilAsync(OnlyDoubts, TimeSpan.FromMinutes(5));

        Volatile.Write(ref isCut, 0);
        if (cut.Closes)
            first = new TimingSink(Say, port);
        else if (cut.Swallows)
            first.TakePackets();
        await using var back = first;
        await daemon.Process.PostAsync("/v1/accounts/sink/resume");
        await daemon.Process.PostAsync("/v1/dispatcher/run-now");
        await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(5));
        var (doubled, spent) = Check(daemon, [gone, first, other], messages);
        var before = first.Taken.Count;
        await daemon.PostAsync(Batch(), "/v1/messages/batch", 1, 1);
        await daemon.Store.EmptyAsync(TimeSpan.FromMinutes(5));
        if (first.Taken.Count == before)
            throw new InvalidOperationException($"The first account is not used again after: {cut.Name}.");
        return (pause, doubled, spent);
    }

    /// <returns>How many messages were taken twice, and how many have a second attempt though they admit no doubt.</returns>
    private static (int Doubled, int Spent) Check(LoadDaemon daemon, IEnumerable<TimingSink> sinks, int messages)
    {
        daemon.Store.AllSent();
        var taken = sinks.Distinct().SelectMany(static sink => sink.Taken).GroupBy(static one => one.Key, static one => one.Value).ToList();
        if (taken.Count != messages)
            throw new InvalidOperationException($"{messages - taken.Count} messages are missing at the servers.");
        var spent = (int)daemon.Store.Count("SELECT count(*) FROM messages WHERE attempts > 1 AND NOT possible_duplicate");
        if (spent > Connections)
            throw new InvalidOperationException($"{spent} messages lost an attempt to the cut.");
        var twice = taken.Where(static one => one.Sum() > 1).ToList();
        foreach (var key in twice.Select(static one => one.Key))
        {
            if (daemon.Store.Count($"SELECT possible_duplicate FROM messages WHERE tenant || '/' || id = '{key}'") != 1)
                throw new InvalidOperationException($"{key} was taken twice and does not say so.");
        }

        return (twice.Count, spent);
    }

    private static byte[] Batch()
    {
        var text = TestMail.Text(Bytes).Replace("\n", "\\n", StringComparison.Ordinal);
        var mails = Enumerable
            .Range(0, PerBatch)
            .Select(n => $$"""{"pool":"both","from":"{{TestMail.From}}","to":"reader{{n}}@example.net","text":"{{text}}"}""");
        return Encoding.ASCII.GetBytes($$"""{"messages":[{{string.Join(',', mails)}}]}""");
    }
}
