using System.Globalization;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Client;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>top</c>: what flows and what waits, live on the whole screen.</summary>
internal static class TopVerb
{
    private const int Kept = 60;

    private static readonly TimeSpan KeyEvery = TimeSpan.FromMilliseconds(100);

    private static readonly string[] Rates = ["accepted", "sent", "deferred", "failed"];

    public static Verb Make()
    {
        var every = Words.Number("--every", "SECONDS", "How often it is read; 2 without it.", 1, 3_600);
        var once = Words.Flag("--once", "Show it once and end; so it is anyway where the output is no terminal.");
        return new Verb("top", "Live on the whole screen: what flows, what waits and why, accounts and webhooks. q ends.")
        {
            Examples = ["mailproxy top", "mailproxy top --once"],
            Run = async call =>
            {
                var pause = TimeSpan.FromSeconds(call.Get(every) ?? 2);
                if (call.IsJson || call.Get(once) || !call.Terminal.IsScreen)
                    return await OnceAsync(call);
                await LiveAsync(call, pause);
                return ExitCode.Done;
            },
        }.With(every, once);
    }

    private static async Task<int> OnceAsync(Call call)
    {
        var look = await TopLook.ReadAsync(call.Daemon, call.Clock, call.Stop);
        if (call.IsJson)
        {
            var totals = new JsonObject(Rates.Select(name => KeyValuePair.Create(name, (JsonNode?)JsonValue.Create(look.Total(name)))));
            return call.Done(new JsonObject { ["status"] = look.Status.DeepClone(), ["totals"] = totals }, "");
        }

        StatusText.Write(call, look.Status);
        if (NodesVerb.Line(look.Nodes) is { } nodes)
            call.Line(nodes);
        call.Line("since the start: " + string.Join(", ", Rates.Select(name => $"{name} {look.Total(name):0}")));
        return ExitCode.Done;
    }

    private static async Task LiveAsync(Call call, TimeSpan pause)
    {
        using var quit = CancellationTokenSource.CreateLinkedTokenSource(call.Stop);
        var console = call.Terminal.Console;
        var looks = new List<TopLook> { await TopLook.ReadAsync(call.Daemon, call.Clock, call.Stop) };
        var keys = call.Terminal.IsInteractive ? WatchKeysAsync(call, console, quit) : Task.CompletedTask;
        try
        {
            // The other screen of the terminal, so that what stood there before is there again afterwards.
            console.WriteAnsi(static ansi => ansi.EnterAltScreen().HideCursor());
            await console
                .Live(Draw(call, looks, null, console))
                .StartAsync(async screen =>
                {
                    while (!quit.IsCancellationRequested)
                    {
                        screen.UpdateTarget(await NextAsync(call, looks, console));
                        await Task.Delay(pause, call.Clock, quit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    }
                });
        }
        finally
        {
            console.WriteAnsi(static ansi => ansi.ExitAltScreen().ShowCursor());
            await quit.CancelAsync();
            await keys;
        }
    }

    private static async Task<IRenderable> NextAsync(Call call, List<TopLook> looks, IAnsiConsole console)
    {
        try
        {
            looks.Add(await TopLook.ReadAsync(call.Daemon, call.Clock, call.Stop));
            if (looks.Count > Kept)
                looks.RemoveAt(0);
            return Draw(call, looks, null, console);
        }
        catch (DaemonException error)
        {
            // A restart passes; what was seen last stays.
            return Draw(call, looks, error.Message, console);
        }
    }

    private static async Task WatchKeysAsync(Call call, IAnsiConsole console, CancellationTokenSource quit)
    {
        while (!quit.IsCancellationRequested)
        {
            if (console.Input.IsKeyAvailable() && console.Input.ReadKey(intercept: true) is { KeyChar: 'q' or 'Q' })
                await quit.CancelAsync();
            await Task.Delay(KeyEvery, call.Clock, quit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static Rows Draw(Call call, List<TopLook> looks, string? trouble, IAnsiConsole console)
    {
        var now = looks[^1];
        var lines = new List<IRenderable>
        {
            new Markup($"[bold]{Safe(StatusText.Head(call, now.Status))}[/]"),
            new Markup(trouble is null ? Safe(StatusText.Queue(now.Status)) : $"[red]{Safe(trouble)}[/]"),
            new Text(Plain.Of(StatusText.Disk(now.Status))),
            new Text(Plain.Of(NodesVerb.Line(now.Nodes) ?? "")),
            Flow(looks),
        };
        var room = Math.Max(1, console.Profile.Height - 16);
        var waiting = StatusText.Waiting(now.Status).ToArray();
        Column[] columns =
        [
            new("account", static one => StatusText.Name(one)),
            new("waits for", "waiting_for.reason"),
            new("until", "waiting_for.until"),
            new("why", "waiting_for.detail"),
        ];
        lines.Add(
            waiting.Length == 0
                ? new Markup("[green]no account holds mail back[/]")
                : Tables.Coloured(
                    columns,
                    [.. waiting.Take(room).Select(one => columns.Select(column => Plain.Of(column.Of(one))).ToArray())]
                )
        );
        if (waiting.Length > room)
            lines.Add(new Text($"and {waiting.Length - room} more"));
        lines.Add(new Markup("[grey]q ends[/]"));
        return new Rows(lines);
    }

    private static Table Flow(List<TopLook> looks)
    {
        var table = new Table().Border(TableBorder.Simple).BorderColor(Color.Grey);
        table
            .AddColumn("")
            .AddColumn(new TableColumn("per second").RightAligned())
            .AddColumn(new TableColumn("in all").RightAligned())
            .AddColumn("");
        foreach (var name in Rates)
        {
            var rates = looks.Zip(looks.Skip(1), (before, after) => after.Rate(before, name)).ToArray();
            var last = rates.Length == 0 ? 0 : rates[^1];
            table.AddRow(
                new Text(name),
                new Text(last.ToString("0.0", CultureInfo.InvariantCulture)),
                new Text(looks[^1].Total(name).ToString("0", CultureInfo.InvariantCulture)),
                new Markup($"[blue]{Spark(rates)}[/]")
            );
        }

        return table;
    }

    // The last minute or so as a row of bars, the highest the most that there was.
    private static string Spark(double[] rates)
    {
        const string Bars = " ▁▂▃▄▅▆▇█";
        var most = rates.Length == 0 ? 0 : rates.Max();
        return most <= 0 ? "" : string.Concat(rates.Select(rate => Bars[(int)Math.Ceiling(rate / most * (Bars.Length - 1))]));
    }

    private static string Safe(string text) => Plain.Of(text).EscapeMarkup();
}
