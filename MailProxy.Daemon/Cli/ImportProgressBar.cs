using MailProxy.Daemon.Genro.Import;
using Spectre.Console;

namespace MailProxy.Daemon.Cli;

/// <summary>Shows how far an import is: a bar on a terminal, otherwise a line at each tenth.</summary>
internal static class ImportProgressBar
{
    public static Task<ImportTally> RunAsync(IAnsiConsole console, Func<Action<ImportProgress>, Task<ImportTally>> import) =>
        console.Profile.Out.IsTerminal
            ? console
                .Progress()
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
                .StartAsync(bars => import(Bars(bars)))
            : import(Lines(console));

    private static Action<ImportProgress> Bars(ProgressContext context)
    {
        ProgressTask? task = null;
        var shown = "";
        return progress =>
        {
            if (progress.What != shown)
            {
                task?.StopTask();
                shown = progress.What;
                task = context.AddTask(shown, maxValue: Math.Max(progress.Of, 1));
                task.IsIndeterminate = progress.Of == 0;
            }

            task!.Value = progress.Done;
        };
    }

    internal static Action<ImportProgress> Lines(IAnsiConsole console)
    {
        var (shown, tenth) = ("", 0L);
        return progress =>
        {
            if (progress.What != shown)
            {
                (shown, tenth) = (progress.What, 0);
                console.WriteLine(progress.Of == 0 ? $"{shown} …" : $"{progress.Of} {shown} …");
            }

            if (progress.Of == 0 || progress.Done * 10 / progress.Of <= tenth)
                return;
            tenth = progress.Done * 10 / progress.Of;
            console.WriteLine($"{progress.Done} of {progress.Of} {shown}");
        };
    }
}
