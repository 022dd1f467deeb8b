using MailProxy.Daemon.Api;
using Spectre.Console;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>Shows how far an operation is until it has ended: a bar on a terminal, otherwise a line at each tenth.</summary>
internal static class OperationProgress
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    public static async Task<int> FollowAsync(Call call, string id)
    {
        try
        {
            var ended = call switch
            {
                { IsJson: true } => await UntilEndedAsync(call, id, static _ => { }),
                { Terminal.IsScreen: true } => await WithBarAsync(call, id),
                _ => await UntilEndedAsync(call, id, Lines(call)),
            };
            return await EndAsync(call, ended);
        }
        catch (OperationCanceledException) when (call.Stop.IsCancellationRequested)
        {
            call.Note($"The operation goes on in the daemon. Its end: mailproxy operations stop {id}");
            throw;
        }
    }

    private static async Task<int> EndAsync(Call call, OperationAnswer ended)
    {
        var undo = ended.UndoableUntil is { } until
            ? $" Until {until:HH:mm:ss}Z it can be undone: mailproxy operations undo {ended.Id}"
            : "";
        var trouble = ended.Trouble is { } why ? $" {why}" : "";
        var json = call.IsJson ? await call.Daemon.GetAsync($"v1/operations/{ended.Id}", call.Stop) : null;
        call.Done(json, $"{ended.Status}: {ended.Changed} changed, {ended.Refused} refused.{trouble}{undo}");
        return ended.Status == "done" ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<OperationAnswer> UntilEndedAsync(Call call, string id, Action<OperationAnswer> tell)
    {
        for (var pause = Shortest; ; pause = pause * 2 > Longest ? Longest : pause * 2)
        {
            var now = await call.Daemon.GetAsync($"v1/operations/{id}", ApiJson.Plain.OperationAnswer, call.Stop);
            tell(now);
            if (now.EndedAt is not null)
                return now;
            await Task.Delay(pause, call.Clock, call.Stop);
        }
    }

    private static Task<OperationAnswer> WithBarAsync(Call call, string id) =>
        call
            .Terminal.Console.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(bars =>
            {
                var bar = bars.AddTask("messages");
                return UntilEndedAsync(
                    call,
                    id,
                    now =>
                    {
                        bar.MaxValue = Math.Max(1, Math.Max(now.Expected, now.Changed + now.Refused));
                        bar.Value = now.EndedAt is null ? now.Changed + now.Refused : bar.MaxValue;
                    }
                );
            });

    private static Action<OperationAnswer> Lines(Call call)
    {
        var tenth = 0L;
        return now =>
        {
            var done = now.Changed + now.Refused;
            if (now.Expected == 0 || done * 10 / now.Expected <= tenth)
                return;
            tenth = done * 10 / now.Expected;
            call.Note($"{done} of {now.Expected} messages");
        };
    }
}
