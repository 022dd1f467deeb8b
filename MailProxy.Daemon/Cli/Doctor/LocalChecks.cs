using MailProxy.Daemon.Hosting;
using Microsoft.Data.Sqlite;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Looks at the settings and the files of a daemon of this machine.</summary>
internal static class LocalChecks
{
    private const string Installation = "installation";
    private const string Database = "mailproxy.db";

    public static IEnumerable<Finding> Find(Call call, bool quick, bool isRunning)
    {
        // One that was named is elsewhere, as far as anybody knows.
        var (data, config) = call.Places;
        if (isRunning && call.Settings is null)
        {
            yield return new(
                Health.Skipped,
                Installation,
                "files",
                "the daemon was named by its address; --data DIR looks at its files too."
            );
            yield break;
        }

        var (settings, mistakes) = call.Finder.Read(data, config);
        foreach (var mistake in mistakes)
            yield return new(Health.Problem, Installation, "settings", mistake);
        if (settings is null)
            yield break;
        yield return new(Health.Ok, Installation, "settings", "right.");
        foreach (var finding in settings.Storage.IsPostgres ? PostgresChecks.Find(settings.Storage) : [])
            yield return finding;
        var directory = isRunning && call.Daemon.Address.Data is { } found ? Path.GetFullPath(found) : Path.GetFullPath(settings.Data);
        if (!Directory.Exists(directory))
        {
            yield return new(Health.Warning, Installation, "data directory", $"{directory} is not there yet; the first start makes it.");
            yield break;
        }

        foreach (var finding in Modes(directory))
            yield return finding;
        yield return Socket(settings, isRunning);
        if (settings.Storage.IsPostgres)
            yield return new(Health.Skipped, Installation, "store", "it is in PostgreSQL, which looks after its files itself.");
        else
            yield return quick ? new(Health.Skipped, Installation, "store", "not read, because of --quick.") : Store(directory, isRunning);
    }

    private static IEnumerable<Finding> Modes(string directory)
    {
        const UnixFileMode Others =
            UnixFileMode.GroupRead
            | UnixFileMode.GroupWrite
            | UnixFileMode.OtherRead
            | UnixFileMode.OtherWrite
            | UnixFileMode.GroupExecute
            | UnixFileMode.OtherExecute;
        var open = new[] { directory, Path.Combine(directory, "admin.key"), Path.Combine(directory, "master.key") }
            .Where(static path => !OperatingSystem.IsWindows() && Path.Exists(path) && (File.GetUnixFileMode(path) & Others) != 0)
            .ToArray();
        foreach (var path in open)
            yield return new(Health.Warning, Installation, "modes", $"others than the owner may use {path}.", $"chmod go= {path}");
        if (open.Length == 0)
            yield return new(Health.Ok, Installation, "modes", $"{directory} and its keys are their owner's only.");
    }

    private static Finding Socket(DaemonSettings settings, bool isRunning)
    {
        if (LocalSocket.PathOf(settings) is not { } path)
            return new(Health.Skipped, Installation, "socket", "there is to be none (setting Socket).");
        return !isRunning || File.Exists(path)
            ? new(Health.Ok, Installation, "socket", path)
            : new(Health.Warning, Installation, "socket", $"{path} is not there.", "The daemon's log says why, at its start.");
    }

    private static Finding Store(string directory, bool isRunning)
    {
        var file = Path.Combine(directory, Database);
        if (!File.Exists(file))
            return new(Health.Warning, Installation, "store", $"{file} is not there yet; the first start makes it.");

        // Left behind by a daemon that was killed: its next start sees to it, and only then the file is whole by itself.
        if (!isRunning && File.Exists(file + "-wal"))
            return new(Health.Skipped, Installation, "store", "the last daemon was killed; the next start completes it. Then look again.");
        try
        {
            var trouble = Check(file, isRunning);
            return trouble is null
                ? new(Health.Ok, Installation, "store", $"{file} is whole.")
                : new(
                    Health.Problem,
                    Installation,
                    "store",
                    $"{file} is damaged: {trouble}",
                    "Stop the daemon, and restore a backup: mailproxy restore DIR"
                );
        }
        catch (SqliteException error)
        {
            return new(
                Health.Problem,
                Installation,
                "store",
                $"{file} cannot be read: {OneLine.Of(error)}",
                "Run this as the daemon's user."
            );
        }
    }

    private static string? Check(string file, bool isRunning)
    {
        var name = isRunning ? file : $"file:{Uri.EscapeDataString(file)}?immutable=1";
        var source = new SqliteConnectionStringBuilder
        {
            DataSource = name,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
        };
        using var connection = new SqliteConnection(source.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA quick_check(1)";
        var said = command.ExecuteScalar() as string;
        return said == "ok" ? null : said ?? "it says nothing";
    }
}
