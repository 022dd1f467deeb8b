using Spectre.Console;

namespace MailProxy.Daemon.Cli;

/// <summary>How far one step of a long command is.</summary>
/// <param name="Of">0: nobody knows.</param>
internal readonly record struct Step(string What, long Done, long Of);

/// <summary>Shows how far a long command is: a bar for each step on a terminal, otherwise a line at each tenth.</summary>
internal static class StepProgress
{
    public static Task<T> RunAsync<T>(IAnsiConsole console, Func<Action<Step>, Task<T>> run) =>
        console.Profile.Out.IsTerminal
            ? console
                .Progress()
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
                .StartAsync(bars => run(Bars(bars)))
            : run(Lines(console));

    private static Action<Step> Bars(ProgressContext context)
    {
        ProgressTask? task = null;
        var shown = "";
        return step =>
        {
            if (step.What != shown)
            {
                task?.StopTask();
                shown = step.What;
                task = context.AddTask(shown, maxValue: Math.Max(step.Of, 1));
                task.IsIndeterminate = step.Of == 0;
            }

            task!.Value = step.Done;
        };
    }

    private static Action<Step> Lines(IAnsiConsole console)
    {
        var (shown, tenth) = ("", 0L);
        return step =>
        {
            if (step.What != shown)
            {
                (shown, tenth) = (step.What, 0);
                console.WriteLine(step.Of == 0 ? $"{shown} …" : $"{step.Of} {shown} …");
            }

            if (step.Of == 0 || step.Done * 10 / step.Of <= tenth)
                return;
            tenth = step.Done * 10 / step.Of;
            console.WriteLine($"{step.Done} of {step.Of} {shown}");
        };
    }
}
