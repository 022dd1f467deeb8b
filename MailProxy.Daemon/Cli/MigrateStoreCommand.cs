using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Moves;
using Npgsql;
using Spectre.Console;

namespace MailProxy.Daemon.Cli;

/// <summary>The command <c>migrate-store</c>: moves the store of a stopped daemon from SQLite to PostgreSQL, or back.</summary>
internal static class MigrateStoreCommand
{
    private const int HashShown = 16;

    private static readonly Column[] Columns =
    [
        new("table", "name"),
        new("rows", "rows", isRight: true),
        new("sha-256", static row => Output.Cell.Text(row, "sha256") is { Length: > HashShown } hash ? hash[..HashShown] : ""),
    ];

    /// <summary>Returns 0 when done, 1 when something refused it, 2 for wrong arguments, 130 when it was interrupted.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        using var stop = new CancellationTokenSource();
        void Interrupt(object? sender, ConsoleCancelEventArgs press)
        {
            press.Cancel = !stop.IsCancellationRequested; // the second one ends the process, which undoes it as well
            stop.Cancel();
        }

        Console.CancelKeyPress += Interrupt;
        try
        {
            return await RunAsync(args, ProcessTerminal.Make(), stop.Token);
        }
        finally
        {
            Console.CancelKeyPress -= Interrupt;
        }
    }

    internal static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken stop)
    {
        try
        {
            var arguments = MigrateArguments.Read(args);
            var move = new StoreMove(arguments.From, arguments.To, arguments.AllowLostBodies, terminal.Clock);
            var result = arguments.DryRun ? move.Try() : await MoveAsync(move, arguments, terminal, stop);
            if (arguments.Json)
                terminal.Out.WriteLine(JsonText.Of(Json(arguments, result)));
            else
                Tell(arguments, result, terminal);
            return ExitCode.Done;
        }
        catch (UsageException error)
        {
            return Fail(terminal, error.Message, ExitCode.Usage);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Fail(terminal, "interrupted; nothing was moved, and the store is as it was.", ExitCode.Interrupted);
        }
        catch (StoreUnavailableException error)
        {
            return Fail(terminal, OneLine.Of(error), ExitCode.Failed);
        }
        catch (Exception error) when (error is StoreRefusedException)
        {
            return Fail(terminal, $"nothing was moved: {OneLine.Of(error)}", ExitCode.Failed);
        }
        catch (NpgsqlException error)
        {
            return Fail(terminal, $"nothing was moved: PostgreSQL: {OneLine.Of(error)}", ExitCode.Failed);
        }
        catch (Exception error)
        {
            return Fail(terminal, $"nothing was moved: {StartFailure.Describe(error, "")}", ExitCode.Failed);
        }
    }

    // On a screen beside the output, so that --json has nothing but JSON.
    private static Task<MoveResult> MoveAsync(StoreMove move, MigrateArguments arguments, Terminal terminal, CancellationToken stop) =>
        arguments.Json
            ? Task.Run(() => move.Run(static _ => { }, stop), CancellationToken.None)
            : StepProgress.RunAsync(
                terminal.Console,
                show => Task.Run(() => move.Run(step => show(new(step.What, step.Done, step.Of)), stop), CancellationToken.None)
            );

    private static JsonObject Json(MigrateArguments arguments, MoveResult result) =>
        new()
        {
            ["from"] = arguments.From.Name,
            ["to"] = arguments.To.Name,
            ["dry_run"] = arguments.DryRun,
            ["tables"] = new JsonArray([.. result.Tables.Select(Row)]),
            ["large_bodies"] = Row(result.Bodies),
            ["large_body_bytes"] = result.BodyBytes,
            ["lost_bodies"] = new JsonArray([.. result.Lost.Select(static name => JsonValue.Create(name))]),
            ["replaced_texts"] = result.ReplacedTexts,
        };

    private static JsonNode Row(MovedTable table) =>
        new JsonObject
        {
            ["name"] = table.Name,
            ["rows"] = table.Rows,
            ["sha256"] = table.Sha256,
        };

    private static void Tell(MigrateArguments arguments, MoveResult result, Terminal terminal)
    {
        var (from, to, all) = (arguments.From.Name, arguments.To.Name, result.Tables.Append(result.Bodies).ToArray());
        Tables.Write(terminal, Columns, [.. all.Where(static table => table.Rows > 0).Select(Row)]);
        Line($"{all.Count(static table => table.Rows == 0)} other tables are empty.");
        foreach (var name in result.Lost)
            Line($"The body {name} is nowhere to be found: that message cannot be sent.");
        if (arguments.DryRun)
        {
            if (result.Older is { } older)
                Line($"The store is of the older schema {older}; the move brings it forward first.");
            Line($"A trial: nothing was written. {from} can be moved to {to}.");
            return;
        }

        if (result.ReplacedTexts > 0)
            Line($"{result.ReplacedTexts} texts had characters that PostgreSQL does not take (U+0000); U+FFFD stands for them.");
        Line($"Moved {from} to {to}: counts and hashes are the same on both sides.");
        Line(
            "Secrets stay sealed under the master key, which was not moved: the daemon needs the same one there (master.key of the data "
                + "directory, the credential, or MAILPROXY_MASTER_KEY)."
        );
        Line(
            "Start it with "
                + (
                    arguments.To.IsPostgres
                        ? "Storage:Provider=postgres and Storage:ConnectionStringFile"
                        : $"Storage:Provider=sqlite and --data={to}"
                )
                + $". The store in {from} refuses to start from now on."
        );

        void Line(string text) => terminal.Out.WriteLine(Plain.Of(text));
    }

    private static int Fail(Terminal terminal, string why, int code)
    {
        terminal.Error.WriteLine($"mailproxy: {why}");
        return code;
    }
}
