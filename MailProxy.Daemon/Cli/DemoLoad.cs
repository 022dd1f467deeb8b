using System.Collections.Concurrent;

namespace MailProxy.Daemon.Cli;

/// <summary>What the demo does with a daemon: posts as fast as it is taken or at a steady pace, and waits until all is done.</summary>
internal sealed class DemoLoad(DemoClient client, TimeProvider clock)
{
    /// <summary>How many clients post, or ask, at a time.</summary>
    public const int Clients = 16;

    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>Posts as fast as it is taken, by some clients at a time; how long each POST took.</summary>
    public async Task<IReadOnlyList<TimeSpan>> PostAsync(string batch, int messages, Action<int> posted, CancellationToken stop)
    {
        var taken = new ConcurrentBag<TimeSpan>();
        await Parallel.ForAsync(
            0,
            messages,
            Parallelism(stop),
            async (number, token) =>
            {
                taken.Add(await client.PostAsync(DemoMail.Json(batch, number), token));
                posted(taken.Count);
            }
        );
        return [.. taken];
    }

    /// <summary>Posts so many a second, whether those before were answered or not; how long each POST took.</summary>
    public async Task<IReadOnlyList<TimeSpan>> PostAtAsync(
        double perSecond,
        string batch,
        int messages,
        Action<int> posted,
        CancellationToken stop
    )
    {
        var began = clock.GetTimestamp();
        var posts = new List<Task<TimeSpan>>();
        for (var number = 0; number < messages; number++)
        {
            var rest = TimeSpan.FromSeconds(number / perSecond) - clock.GetElapsedTime(began);
            if (rest > TimeSpan.Zero)
                await Task.Delay(rest, clock, stop);
            posts.Add(client.PostAsync(DemoMail.Json(batch, number), stop));
            posted(posts.Count);
        }

        return await Task.WhenAll(posts);
    }

    /// <summary>
    /// Asks until every mail of the batch is sent, failed or deferred, or nothing has changed for a minute. Asking takes at most a fifth of
    /// the time.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, int>> SettleAsync(string batch, int messages, Action<int> settled, CancellationToken stop)
    {
        var moved = clock.GetTimestamp();
        var before = 0;
        while (true)
        {
            var polled = clock.GetTimestamp();
            var states = await client.CountAsync(batch, stop);
            var now = DemoResult.Settled(states);
            settled(now);
            if (now > before)
                moved = polled;
            before = now;
            if (now >= messages || clock.GetElapsedTime(moved) > StuckAfter)
                return states;
            var pause = clock.GetElapsedTime(polled) * 4;
            await Task.Delay(pause > PollEvery ? pause : PollEvery, clock, stop);
        }
    }

    /// <summary>Of each mail that was sent, the time from its acceptance.</summary>
    public async Task<IReadOnlyList<TimeSpan>> UnderwayAsync(string batch, int messages, CancellationToken stop)
    {
        var times = new ConcurrentBag<TimeSpan>();
        await Parallel.ForAsync(
            0,
            messages,
            Parallelism(stop),
            async (number, token) =>
            {
                if (await client.UnderwayAsync(DemoMail.Id(batch, number), token) is { } time)
                    times.Add(time);
            }
        );
        return [.. times];
    }

    private static ParallelOptions Parallelism(CancellationToken stop) =>
        new() { MaxDegreeOfParallelism = Clients, CancellationToken = stop };
}
