using Spectre.Console;

namespace MailProxy.Daemon.Cli;

/// <summary>
/// Shows a running daemon at work, in three parts after a warm-up: it accepts mail while it sends none, it sends what waits, and it does
/// both at a pace that leaves no queue. The caller starts the daemon.
/// </summary>
/// <param name="mostPerSecond">The pace of the third part at the most.</param>
internal sealed class DemoCommand(IAnsiConsole console, TimeProvider clock, double mostPerSecond = 100)
{
    private const int MostToWarmUp = 200;

    // The third part lasts so long.
    private const double Seconds = 3;

    /// <summary>Returns 0 when every mail ended as expected, 130 when interrupted, otherwise 1.</summary>
    public async Task<int> RunAsync(Uri baseAddress, string adminKey, int messages, CancellationToken stop)
    {
        using var client = new DemoClient(baseAddress, adminKey, clock);
        try
        {
            var result = console.Profile.Out.IsTerminal
                ? await WithBarsAsync(client, messages, stop)
                : await RunAsync(client, messages, InWords, stop);
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
                Action<int> Begin(string what, int count)
                {
                    var bar = bars.AddTask(what, maxValue: count);
                    return done => bar.Value = done;
                }

                return RunAsync(client, messages, Begin, stop);
            });

    // For logs and pipes: a line a part.
    private Action<int> InWords(string what, int count)
    {
        console.WriteLine($"{what}: {count}");
        return static _ => { };
    }

    private async Task<DemoResult> RunAsync(DemoClient client, int messages, Func<string, int, Action<int>> begin, CancellationToken stop)
    {
        var load = new DemoLoad(client, clock);
        var name = $"demo-{clock.GetUtcNow().ToUnixTimeMilliseconds()}";
        var warm = Math.Min(messages, MostToWarmUp);
        var settling = begin("warming up, not counted", warm);
        await load.PostAsync($"{name}-warm", warm, static _ => { }, stop);
        await load.SettleAsync($"{name}-warm", warm, settling, stop);

        await client.SuspendAsync(true, stop);
        var posting = begin("accepting, while nothing is sent", messages);
        var began = clock.GetTimestamp();
        var accepting = await load.PostAsync(name, messages, posting, stop);
        var acceptedIn = clock.GetElapsedTime(began);

        settling = begin("sending what waits, while nothing is posted", messages);
        began = clock.GetTimestamp();
        await client.SuspendAsync(false, stop);
        var states = await load.SettleAsync(name, messages, settling, stop);
        var sentIn = clock.GetElapsedTime(began);

        var pace = Math.Clamp(messages / Math.Max(sentIn.TotalSeconds, 0.001) / 4, 1, mostPerSecond);
        var paced = Math.Min(messages, Math.Max(1, (int)(pace * Seconds)));
        posting = begin("accepting and sending, without a queue", paced);
        var accepted = await load.PostAtAsync(pace, $"{name}-paced", paced, posting, stop);
        var pacedStates = await load.SettleAsync($"{name}-paced", paced, static _ => { }, stop);
        var underway = await load.UnderwayAsync($"{name}-paced", paced, stop);
        return new(new(messages, states, acceptedIn, accepting, sentIn), new(paced, pacedStates, pace, accepted, underway));
    }
}
