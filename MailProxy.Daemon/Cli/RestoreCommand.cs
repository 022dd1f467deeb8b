using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Storage.Backups;

namespace MailProxy.Daemon.Cli;

/// <summary>The command <c>restore</c>: restores a backup into a data directory that no daemon uses.</summary>
internal static class RestoreCommand
{
    public static Task<int> RunAsync(string[] args) =>
        StoreCommand.RunAsync(
            "restore",
            args,
            (data, directory) =>
            {
                var restored = new StoreRestore(directory, DataDirectory.Prepare(data), TimeProvider.System).Run();
                Console.Out.WriteLine($"Restored {data} from {directory}: {StoreCommand.Describe(restored)}.");
                Console.Out.WriteLine(StoreCommand.DescribeKeys(restored));
                Console.Out.WriteLine(
                    $"Sending is suspended: mail that was sent after {restored.MadeAt:yyyy-MM-ddTHH:mm:ssZ} is queued in this "
                        + "store, and would "
                        + "go again. Start the daemon, cancel what must not go, and then:"
                );
                Console.Out.WriteLine(
                    $"  curl -X POST -H \"Authorization: Bearer $(cat {data}/{BackupFile.AdminKey})\" "
                        + "http://127.0.0.1:8000/v1/dispatcher/activate"
                );
                return Task.FromResult(0);
            }
        );
}
