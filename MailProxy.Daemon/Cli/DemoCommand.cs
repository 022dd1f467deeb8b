using System.Collections.Concurrent;
using Spectre.Console;

namespace MailProxy.Daemon.Cli;

/// <summary>
/// Shows a running daemon at work: posts mail to its sandbox, waits until every mail is sent, failed or deferred, and prints the numbers.
/// The
/// caller starts the daemon.
/// </summary>
internal sealed class DemoCommand(IAnsiConsole console, TimeProvider clock)
{
    private const int Posters = 16;
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns 0 when every mail ended as expected, 130 when interrupted, otherwise 1.</summary>
    public async Task<int> RunAsync(Uri baseAddress, string adminKey, int messages, CancellationToken stop)
    {
        using var client = new DemoClient(baseAddress, adminKey, clock);
        try
        {
            var result = console.Profile.Out.IsTerminal
                ? await WithBarsAsync(client, messages, stop)
                : await RunAsync(client, messages, posted => { }, Plain(messages), stop);
            foreach (var line in result.Lines())
                console.WriteLine(line);
            if (result.AsExpected)
                return 0;
            console.WriteLine("The demo did not end as expected.");
            return 1;
        }
        catch (HttpRequestException error)
        {
            console.WriteLine($"The demo stopped: {error.Message}");
            return 1;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            console.WriteLine("The demo was interrupted.");
            return 130;
        }
    }

    private Task<DemoResult> WithBarsAsync(DemoClient client, int messages, CancellationToken stop) =>
        console
            .Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(bars =>
            {
                var posted = bars.AddTask("posted", maxValue: messages);
                var settled = bars.AddTask("sent, failed or deferred", maxValue: messages);
                return RunAsync(client, messages, count => posted.Value = count, count => settled.Value = count, stop);
            });

    // Writes one line at each tenth, for logs and pipes.
    private Action<int> Plain(int messages)
    {
        var tenth = 0;
        return settled =>
        {
            if (settled * 10 / Math.Max(messages, 1) <= tenth)
                return;
            tenth = settled * 10 / messages;
            console.WriteLine($"{settled} of {messages} sent, failed or deferred");
        };
    }

    private async Task<DemoResult> RunAsync(
        DemoClient client,
        int messages,
        Action<int> posted,
        Action<int> settled,
        CancellationToken stop
    )
    {
        var batch = $"demo-{clock.GetUtcNow().ToUnixTimeMilliseconds()}";
        var postedAt = new DateTimeOffset[messages];
        var begin = clock.GetTimestamp();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var posting = PostAllAsync(client, batch, postedAt, posted, enough.Token);
        IReadOnlyDictionary<string, int> states;
        TimeSpan elapsed;
        try
        {
            (states, elapsed) = await WatchAsync(client, batch, messages, posting, begin, settled, stop);
        }
        finally
        {
            // Posting is cancelled if it still runs, because the watch gave up or failed; the watch reports that itself.
            await enough.CancelAsync();
            await posting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return new DemoResult(messages, states, elapsed, await LatenciesAsync(client, batch, postedAt, stop));
    }

    private Task PostAllAsync(DemoClient client, string batch, DateTimeOffset[] postedAt, Action<int> posted, CancellationToken stop)
    {
        var done = 0;
        return Parallel.ForAsync(
            0,
            postedAt.Length,
            Parallelism(stop),
            async (number, token) =>
            {
                postedAt[number] = clock.GetUtcNow();
                await client.PostAsync(DemoMail.Json(batch, number), token);
                posted(Interlocked.Increment(ref done));
            }
        );
    }

    /// <summary>Polls until every mail has ended, or nothing has changed for a minute. Polling takes at most a fifth of the
    /// time.</summary>
    private async Task<(IReadOnlyDictionary<string, int> States, TimeSpan Elapsed)> WatchAsync(
        DemoClient client,
        string batch,
        int messages,
        Task posting,
        long begin,
        Action<int> settled,
        CancellationToken stop
    )
    {
        var moved = clock.GetTimestamp();
        var before = 0;
        while (true)
        {
            if (posting.IsFaulted)
                await posting;
            var polled = clock.GetTimestamp();
            var states = await client.CountAsync(batch, stop);
            var now = DemoResult.Settled(states);
            settled(now);
            if (now > before)
                moved = polled;
            before = now;
            if (now >= messages || clock.GetElapsedTime(moved) > StuckAfter)
                return (states, clock.GetElapsedTime(begin));
            var pause = clock.GetElapsedTime(polled) * 4;
            await Task.Delay(pause > PollEvery ? pause : PollEvery, clock, stop);
        }
    }

    private static async Task<IReadOnlyList<TimeSpan>> LatenciesAsync(
        DemoClient client,
        string batch,
        DateTimeOffset[] postedAt,
        CancellationToken stop
    )
    {
        var latencies = new ConcurrentBag<TimeSpan>();
        await Parallel.ForAsync(
            0,
            postedAt.Length,
            Parallelism(stop),
            async (number, token) =>
            {
                if (DemoMail.ExpectedState(number) != "sent")
                    return;
                if (await client.SentAtAsync(DemoMail.Id(batch, number), token) is { } sent)
                    latencies.Add(sent - postedAt[number]);
            }
        );
        return [.. latencies];
    }

    private static ParallelOptions Parallelism(CancellationToken stop) =>
        new() { MaxDegreeOfParallelism = Posters, CancellationToken = stop };
}
