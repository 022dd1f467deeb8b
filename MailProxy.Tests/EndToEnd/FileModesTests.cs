using System.Net;
using System.Net.Http.Json;
using System.Runtime.Versioning;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What the daemon keeps is its owner's only, whatever mask it was started with and whatever modes it finds.</summary>
[TestFixture]
[UnsupportedOSPlatform("windows")]
[Parallelizable(ParallelScope.Self)]
internal sealed class FileModesTests
{
    private const UnixFileMode Owners = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybodys = Owners | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    [TestCase("000")]
    [TestCase("022")]
    public async Task Start_InADirectoryThatIsThere_MakesEveryFileItsOwners(string mask)
    {
        using var directory = new TempDirectory();
        File.SetUnixFileMode(directory, Everybodys | Execute);
        await using var daemon = DaemonProcess.Start(["sh", "-c", $"umask {mask}; exec \"$@\"", "sh"], directory, ("ADMIN_KEY", ""));
        await UseAsync(daemon, directory);

        AssertOwners(directory);
    }

    [Test]
    public async Task Start_OnWhatAnOlderVersionLeftOpen_ClosesIt()
    {
        using var directory = new TempDirectory();
        await using (var daemon = DaemonProcess.Start(directory, ("ADMIN_KEY", "")))
            await UseAsync(daemon, directory);
        foreach (var name in new[] { "spool", "cache" })
            File.SetUnixFileMode(Path.Combine(directory, name), Everybodys | Execute);
        foreach (
            var file in Directory
                .EnumerateFiles(directory, "*", SearchOption.AllDirectories)
                .Where(file => !file.EndsWith(".key", StringComparison.Ordinal))
        )
            File.SetUnixFileMode(file, Everybodys);

        await using var again = DaemonProcess.Start(directory, ("ADMIN_KEY", ""));
        await UseAsync(again, directory);
        AssertOwners(directory);
    }

    private static async Task UseAsync(DaemonProcess daemon, string directory)
    {
        await daemon.ListeningAsync();
        daemon.Http.DefaultRequestHeaders.Authorization = new(
            "Bearer",
            (await File.ReadAllTextAsync(Path.Combine(directory, "admin.key"))).Trim()
        );
        var text = new string('x', 400_000);
        var message = new
        {
            from = "a@example.com",
            to = "b@example.com",
            text,
            send_at = "2037-01-01T08:00:00Z",
        };
        using var posted = await daemon.Http.PostAsJsonAsync("/v1/messages", message);
        Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
    }

    private static void AssertOwners(string directory)
    {
        var all = new DirectoryInfo(directory).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).ToList();
        Assert.That(
            all.Select(entry => entry.Name),
            Is.SupersetOf(new[] { "mailproxy.db", "mailproxy.db-wal", "mailproxy.db-shm", "lock", "spool", "cache", "master.key" })
        );
        Assert.That(all.OfType<FileInfo>().Count(file => file.Directory!.Name == "spool"), Is.Not.Zero);
        foreach (var entry in all)
            Assert.That(
                entry.UnixFileMode,
                Is.EqualTo(entry is DirectoryInfo ? Owners | UnixFileMode.UserExecute : Owners),
                entry.FullName
            );
    }
}
