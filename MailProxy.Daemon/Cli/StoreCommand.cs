using System.Globalization;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Storage.Backups;

namespace MailProxy.Daemon.Cli;

/// <summary>The common part of <c>backup</c> and <c>restore</c>: one directory, the daemon's settings, failures in one line.</summary>
internal static class StoreCommand
{
    /// <summary>Returns 0 when done, 1 when the machine or the store refused, 2 for wrong settings or arguments.</summary>
    /// <param name="run">Gets the data directory and the directory that was named.</param>
    public static async Task<int> RunAsync(string verb, string[] args, Func<string, string, Task<int>> run)
    {
        if (args is not [{ Length: > 0 } directory, .. var rest] || directory.StartsWith('-'))
        {
            Console.Error.WriteLine(
                $"mailproxy: {verb} takes a directory, and then settings: mailproxy {verb} DIR --data=/var/lib/mailproxy"
            );
            return 2;
        }

        var (settings, mistakes) = SettingsReader.Read(
            rest,
            AppContext.BaseDirectory,
            SettingsReader.InstalledFile,
            Environment.GetEnvironmentVariables()
        );
        if (settings is null)
            return Serve.RefuseSettings(mistakes);
        if (settings.Storage.IsPostgres)
        {
            Console.Error.WriteLine(
                $"mailproxy: {verb} is for a store in SQLite, and Storage:Provider is postgres. Copy the database by PostgreSQL's own "
                    + $"means (pg_dump, pg_restore), and with it the data directory '{settings.Data}'."
            );
            return 2;
        }

        try
        {
            return await run(Path.GetFullPath(settings.Data), directory);
        }
        catch (Exception error)
        {
            Console.Error.WriteLine($"mailproxy: the {verb} failed: {StartFailure.Describe(error, settings.Urls)}");
            return 1;
        }
    }

    public static string Describe(BackupManifest backup)
    {
        var (spool, bytes) = (
            backup.Files.Count(file => file.Name.StartsWith(BackupFile.Spool, StringComparison.Ordinal)),
            backup.Files.Sum(file => file.Size)
        );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{backup.Counts.Messages} messages ({backup.Counts.Queued} not final), {backup.Counts.Accounts} accounts, {spool} spool "
                + $"files, {bytes} bytes, as of {backup.MadeAt:yyyy-MM-ddTHH:mm:ssZ}"
        );
    }

    /// <summary>Describes which keys the backup contains, and which others it needs.</summary>
    public static string DescribeKeys(BackupManifest backup)
    {
        var held = new[] { BackupFile.AdminKey, BackupFile.MasterKey }.Where(backup.Has).ToArray();
        var needed =
            backup.MasterKeys.Count == 0
                ? "no secret is stored"
                : $"its secrets are sealed under the master key {string.Join(", ", backup.MasterKeys)}";
        var holds = held.Length == 0 ? "Keys in it: none" : $"Keys in it: {string.Join(", ", held)}";
        return backup.Has(BackupFile.MasterKey) || backup.MasterKeys.Count == 0
            ? $"{holds}; {needed}."
            : $"{holds}; {needed}, which is not in it: keep that key, without it nobody can start the store.";
    }
}
