using System.Net.Sockets;
using MailProxy.Tests.EndToEnd;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>A start that fails says why in one line, and by the exit code who has to act: 1 the machine's keeper, 2 whoever wrote the
/// settings.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class StartRefusalTests
{
    private TempDirectory _directory = null!;

    private string Data => Path.Combine(_directory, "data");

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [TestCase("spool", "is a file")]
    [TestCase("cache", "is a file")]
    public async Task Folder_ThatIsAFile(string name, string why)
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, name), "");
        await RefusedAsync(1, why, name);
    }

    [TestCase("lock")]
    [TestCase("mailproxy.db")]
    [TestCase("mailproxy.db-wal")]
    [TestCase("admin.key")]
    [TestCase("master.key")]
    public async Task File_ThatIsADirectory(string name)
    {
        Directory.CreateDirectory(Path.Combine(Data, name));
        await RefusedAsync(1, "is a directory", name, ("ADMIN_KEY", ""));
    }

    [TestCase("mailproxy.db", "It is no database.", "is damaged")]
    [TestCase("admin.key", "", "is empty")]
    [TestCase("admin.key", "short", "fewer than 16 characters")]
    [TestCase("master.key", "no key", "is malformed")]
    public async Task File_WithTheWrongContent(string name, string content, string why)
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, name), content);
        await RefusedAsync(1, why, name, ("ADMIN_KEY", ""));
    }

    [TestCase("PRAGMA user_version=999", "newer program")]
    [TestCase("PRAGMA application_id=1", "another program")]
    [TestCase("DROP TABLE accounts", "no such table")]
    [TestCase("DROP TABLE messages", "no such table")]
    public async Task Database_OfAnotherKind(string change, string why)
    {
        await using (var daemon = await TestDaemon.StartAsync(Data))
            await daemon.StopAsync();
        var place = new SqliteConnectionStringBuilder { DataSource = Path.Combine(Data, "mailproxy.db"), Pooling = false };
        await using (var connection = new SqliteConnection(place.ToString()))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = change;
            await command.ExecuteNonQueryAsync();
        }

        await RefusedAsync(1, why, "mailproxy: ");
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Data_OnAReadOnlyFileSystem(bool withAStore)
    {
        await using var disk = await TmpfsMount.MakeAsync(32);
        if (withAStore)
        {
            await using var daemon = await TestDaemon.StartAsync(disk.Data);
            await daemon.StopAsync();
        }

        await disk.MakeReadOnlyAsync();
        await RefusedAsync(1, "the file system is read-only", disk.Data, ("DATA", disk.Data));
    }

    [Test]
    public async Task Data_APathLongerThanTheDatabaseTakes() =>
        await RefusedAsync(
            1,
            "is longer than",
            "data directory",
            ("DATA", Path.Combine([_directory, .. Enumerable.Repeat(new string('y', 150), 4)]))
        );

    [Test]
    public async Task Data_RelativeToAWorkingDirectoryThatIsGone()
    {
        var gone = Path.Combine(_directory, "gone");
        var script =
            $"mkdir '{gone}' && cd '{gone}' && rmdir '{gone}' && exec dotnet "
            + $"'{Path.Combine(AppContext.BaseDirectory, "mailproxy.dll")}'";
        var (exitCode, output) = await Run.AsIsAsync("/bin/sh", "-c", script);
        Assert.That((exitCode, output.Trim().Split('\n')), Is.EqualTo((1, output.Trim().Split('\n')[..1])), output);
        Assert.That(output, Does.StartWith("mailproxy: The data directory './data' is relative"));
    }

    [TestCase("http://127.0.0.1:PORT", "the port is in use")]
    [TestCase("http://localhost:PORT", "the port is in use")]
    [TestCase("http://*:PORT", "the port is in use")]
    [TestCase("http://192.0.2.1:8999", "Cannot listen on http://192.0.2.1:8999")]
    [TestCase("http://unix:/nonexistent/x.sock", "does not exist")]
    [TestCase("http://unix:/tmp", "it is a directory")]
    [TestCase("http://unix:/etc/hostname", "no socket")]
    [TestCase("http://unix:/LONG", "longer than")]
    public async Task Address_ThatCannotBeListenedOn(string urls, string why)
    {
        using var taken = new TcpListener(System.Net.IPAddress.IPv6Any, 0);
        taken.Server.DualMode = true;
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;
        await RefusedAsync(1, why, "Cannot listen on", ("URLS", urls.Replace("PORT", $"{port}").Replace("LONG", new string('x', 150))));
    }

    [Test]
    public async Task Sandbox_OnAPortInUse_NamesItsSetting()
    {
        using var taken = new TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        await RefusedAsync(
            1,
            "Sandbox:Port",
            "The sandbox cannot listen",
            ("SANDBOX__PORT", $"{((System.Net.IPEndPoint)taken.LocalEndpoint).Port}")
        );
    }

    [TestCase("URLS", "https://127.0.0.1:8443", "Urls")]
    [TestCase("URLS", "http://127.0.0.1:99999", "Urls")]
    [TestCase("DATA", "", "Data")]
    [TestCase("SEND__WORKERS", "0", "MAILPROXY_SEND__WORKERS")]
    [TestCase("API__TAKEWAIT", "10", "hh:mm:ss")]
    [TestCase("NOSUCH", "1", "MAILPROXY_NOSUCH")]
    [TestCase("LIMITS__BURST", "1", "Limits:PerSecond")]
    [TestCase("SETTINGS_FILE", "/nonexistent.json", "there is no such file")]
    [TestCase("SETTINGS_FILE", "/tmp", "is a directory")]
    [TestCase("ADMIN_KEY", "a                    ", "at least 16 characters")]
    public async Task Setting_ThatIsWrong(string name, string value, string why) =>
        await RefusedAsync(2, why, "the settings are wrong", (name, value));

    private async Task RefusedAsync(int exitCode, string why, string what, params (string, string)[] settings)
    {
        await using var daemon = DaemonProcess.Start(Data, [("LOG__LEVEL", "Fatal"), .. settings]);
        Assert.That(await daemon.ExitAsync(), Is.EqualTo(exitCode), daemon.Output);
        Assert.That(daemon.Output, Does.StartWith("mailproxy: ").And.Contains(why).And.Contains(what).And.Not.Contains("\n"));
    }
}
