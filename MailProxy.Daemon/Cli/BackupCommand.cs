using MailProxy.Pipeline.Storage.Backups;

namespace MailProxy.Daemon.Cli;

/// <summary>The command <c>backup</c>: copies the store of a running or a stopped daemon on this machine.</summary>
internal static class BackupCommand
{
    private const string WithoutKeys = "--without-keys";

    public static Task<int> RunAsync(string[] args) =>
        StoreCommand.RunAsync(
            "backup",
            [.. args.Where(arg => arg != WithoutKeys)],
            async (data, directory) =>
            {
                var (made, lost) = await new StoreBackup(
                    data,
                    directory,
                    !args.Contains(WithoutKeys),
                    Usage.Version,
                    TimeProvider.System
                ).MakeAsync();
                Console.Out.WriteLine($"Backup of {data} in {directory}: {StoreCommand.Describe(made)}.");
                Console.Out.WriteLine(StoreCommand.DescribeKeys(made));
                foreach (var file in lost)
                    Console.Error.WriteLine(
                        $"mailproxy: the store has lost the spool file {file}: that message cannot be sent, and is in the backup "
                            + "without its body."
                    );
                return 0;
            }
        );
}
