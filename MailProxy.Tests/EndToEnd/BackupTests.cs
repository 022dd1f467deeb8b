using System.Net;
using System.Net.Http.Json;
using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary><c>mailproxy backup</c> of a daemon that runs, and <c>mailproxy restore</c>.</summary>
[TestFixture]
[UnsupportedOSPlatform("windows")]
internal sealed class BackupTests
{
    private static readonly string Large = new('x', 400_000); // a spool file of its own

    private TempDirectory _place = null!;

    private string Data => Path.Combine(_place, "data");

    private string Backup => Path.Combine(_place, "backup");

    private string Other => Path.Combine(_place, "other");

    [SetUp]
    public void SetUp() => _place = new();

    [TearDown]
    public void TearDown() => _place.Dispose();

    [Test]
    public async Task Backup_WhileMessagesComeAndGo_RestoresToAStoreInWhichNothingIsMissing()
    {
        var acknowledged = new List<string>();
        await using (var daemon = await StartAsync(Data))
        {
            using var enough = new CancellationTokenSource();
            var traffic = Enumerable.Range(0, 4).Select(client => ComeAndGoAsync(daemon, client, enough.Token)).ToArray();
            for (var number = 0; number < 10; number++)
                acknowledged.Add(await PostAsync(daemon, $"kept-{number}", Large));
            for (var again = 0; again < 3; again++)
                await DoneAsync(DaemonTool.BackupAsync(Data, Backup));
            await enough.CancelAsync();
            await Task.WhenAll(traffic);
        }

        await DoneAsync(DaemonTool.RestoreAsync(Backup, Other));
        await using var restored = await StartAsync(Other);
        foreach (var id in acknowledged)
            Assert.That(await restored.Http.GetStringAsync($"/v1/messages/{id}/raw"), Does.Contain(Large[..70]));
        foreach (var id in await IdsAsync(restored))
            Assert.That(await restored.StatusAsync($"/v1/messages/{id}/raw"), Is.EqualTo(HttpStatusCode.OK), id);
    }

    [Test]
    public async Task Restore_StartsSuspendedAndSaysHowToGoOn()
    {
        await using var server = new ScriptedSmtpServer();
        await using (var daemon = await StartAsync(Data))
        {
            using (
                var put = await daemon.Http.PutAsJsonAsync(
                    "/v1/accounts/one",
                    new
                    {
                        host = "127.0.0.1",
                        port = server.Port,
                        security = "none",
                    }
                )
            )
                put.EnsureSuccessStatusCode();
            using (var suspend = await daemon.Http.PostAsync("/v1/dispatcher/suspend", null))
                suspend.EnsureSuccessStatusCode();
            await PostAsync(daemon, "later", "x", account: "one", sendAt: null);
            await DoneAsync(DaemonTool.BackupAsync(Data, Backup));
        }

        var output = await DoneAsync(DaemonTool.RestoreAsync(Backup, Other));
        Assert.That(output, Does.Contain("suspended").And.Contain("would go again").And.Contain("/v1/dispatcher/activate"));

        await using var restored = await StartAsync(Other);
        Assert.That(restored.Output, Does.Contain("restored from a backup"));
        Assert.That((bool)(await JsonAsync(restored, "/v1/status"))["suspended"]!, Is.True);
        Assert.That(server.Mails, Is.Empty);
        using (var activate = await restored.Http.PostAsync("/v1/dispatcher/activate", null))
            activate.EnsureSuccessStatusCode();
        await server.Seen("DOT");
    }

    [Test]
    public async Task Restore_EventsAndCursors_AreNotMistakenForThoseToldBefore()
    {
        string[] before;
        string told,
            cursor;
        await using (var daemon = await StartAsync(Data))
        {
            await PostAsync(daemon, "first", "x");
            before = await EventIdsAsync(daemon);
            await DoneAsync(DaemonTool.BackupAsync(Data, Backup));
            await PostAsync(daemon, "after", "x");
            told = (await EventIdsAsync(daemon)).Except(before).Single();
            cursor = (string)(await JsonAsync(daemon, "/v1/events?after=now"))["next_cursor"]!;
        }

        await DoneAsync(DaemonTool.RestoreAsync(Backup, Other));
        await using var restored = await StartAsync(Other);
        await PostAsync(restored, "other", "x");
        var now = await EventIdsAsync(restored);
        Assert.That(now, Is.SupersetOf(before).And.Not.Contain(told));

        using var expired = await restored.Http.GetAsync($"/v1/events?after={cursor}");
        Assert.That(expired.StatusCode, Is.EqualTo(HttpStatusCode.Gone));
        Assert.That((string?)JsonNode.Parse(await expired.Content.ReadAsStringAsync())!["code"], Is.EqualTo("cursor_expired"));
    }

    [Test]
    public async Task Restore_OverSomethingNewerOrForeignOrInUse_IsRefusedAndTouchesNothing()
    {
        await using (var daemon = await StartAsync(Data))
        {
            await PostAsync(daemon, "first", "x");
            await DoneAsync(DaemonTool.BackupAsync(Data, Backup));
            await RefusedAsync(DaemonTool.RestoreAsync(Backup, Data), "in use by another process");
            await PostAsync(daemon, "second", "x");
        }

        await RefusedAsync(DaemonTool.RestoreAsync(Backup, Data), "newer");
        await using (var daemon = await StartAsync(Other))
            await PostAsync(daemon, "foreign", "x");
        await RefusedAsync(DaemonTool.RestoreAsync(Backup, Other), "newer, or another one");
        await using (var daemon = await StartAsync(Data))
            Assert.That(await IdsAsync(daemon), Is.EquivalentTo(new[] { "first", "second" }));
        await using (var daemon = await StartAsync(Other))
            Assert.That(await IdsAsync(daemon), Is.EqualTo(new[] { "foreign" }));
    }

    [Test]
    public async Task Restore_OverTheSameOrAnEmptyStore_IsDone()
    {
        await using (var daemon = await StartAsync(Data))
            await PostAsync(daemon, "first", "x");
        await DoneAsync(DaemonTool.BackupAsync(Data, Backup)); // of a daemon that is stopped
        await DoneAsync(DaemonTool.RestoreAsync(Backup, Data));
        await using (var daemon = await StartAsync(Other))
            Assert.That(await IdsAsync(daemon), Is.Empty);
        await DoneAsync(DaemonTool.RestoreAsync(Backup, Other));

        foreach (var data in new[] { Data, Other })
        {
            await using var daemon = await StartAsync(data);
            Assert.That(await IdsAsync(daemon), Is.EqualTo(new[] { "first" }));
        }
    }

    [TestCase("mailproxy.db")]
    [TestCase("spool")]
    [TestCase("master.key")]
    [TestCase("backup.json")]
    public async Task Restore_DamagedBackup_IsRefusedAndLeavesNothing(string part)
    {
        await using (var daemon = await StartAsync(Data))
            await PostAsync(daemon, "first", Large);
        await DoneAsync(DaemonTool.BackupAsync(Data, Backup));
        var file = part == "spool" ? Directory.EnumerateFiles(Path.Combine(Backup, "spool")).Single() : Path.Combine(Backup, part);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 0x40;
        await File.WriteAllBytesAsync(file, part == "backup.json" ? bytes[..^10] : bytes);

        await RefusedAsync(DaemonTool.RestoreAsync(Backup, Other), "damaged");
        File.Delete(file);
        await RefusedAsync(DaemonTool.RestoreAsync(Backup, Other), part == "backup.json" ? "no backup" : "missing");
        Assert.That(
            Directory.EnumerateFiles(Other, "*", SearchOption.AllDirectories).Select(Path.GetFileName),
            Is.SubsetOf(new[] { "lock", "spool.pin" })
        );
    }

    [Test]
    public async Task Backup_IntoWhatIsNoOlderBackup_IsRefused()
    {
        await using var daemon = await StartAsync(Data);
        await PostAsync(daemon, "first", "x");
        Directory.CreateDirectory(Backup);
        await File.WriteAllTextAsync(Path.Combine(Backup, "mine"), "x");
        await RefusedAsync(DaemonTool.BackupAsync(Data, Backup), "is no backup");
        await RefusedAsync(DaemonTool.BackupAsync(Data, Path.Combine(Data, "backup")), "must not lie in each other");
        await RefusedAsync(DaemonTool.BackupAsync(Path.Combine(_place, "none"), Backup), "no store");
        Assert.That(await File.ReadAllTextAsync(Path.Combine(Backup, "mine")), Is.EqualTo("x"));

        await DoneAsync(DaemonTool.BackupAsync(Data, Other));
        var newer = Path.Combine(_place, "newer");
        await DoneAsync(DaemonTool.RestoreAsync(Other, newer));
        await using var restored = await StartAsync(newer);
        await PostAsync(restored, "second", "x");
        await DoneAsync(DaemonTool.BackupAsync(newer, Other));
        await RefusedAsync(DaemonTool.BackupAsync(Data, Other), "newer, or of another store");
    }

    [Test]
    public async Task Backup_AfterOneThatWasKilled_TakesItsPlace()
    {
        await using var daemon = await StartAsync(Data);
        await PostAsync(daemon, "first", Large);
        Directory.CreateDirectory(Path.Combine(Backup + ".partial", "spool"));
        await File.WriteAllTextAsync(Path.Combine(Backup + ".partial", "mailproxy.db"), "half");
        await DoneAsync(DaemonTool.BackupAsync(Data, Backup));

        Assert.That(Directory.Exists(Backup + ".partial"), Is.False);
        await DoneAsync(DaemonTool.RestoreAsync(Backup, Other));
    }

    [Test]
    public async Task Start_OnARestoreThatWasInterrupted_IsRefusedUntilItIsRunAgain()
    {
        await using (var daemon = await StartAsync(Data))
            await PostAsync(daemon, "first", "x");
        await DoneAsync(DaemonTool.BackupAsync(Data, Backup));
        Directory.CreateDirectory(Path.Combine(Other, "restore.partial"));
        await using (var refused = DaemonProcess.Start(Other))
        {
            Assert.That(await refused.ExitAsync(), Is.EqualTo(1));
            Assert.That(refused.Output, Does.Contain("was interrupted"));
        }

        await DoneAsync(DaemonTool.RestoreAsync(Backup, Other));
        await using var restored = await StartAsync(Other);
        Assert.That(await IdsAsync(restored), Is.EqualTo(new[] { "first" }));
    }

    [Test]
    public async Task Backup_KeysAndModes_AreAsDocumented()
    {
        await using var daemon = await StartAsync(Data, ("ADMIN_KEY", ""));
        await DoneAsync(DaemonTool.BackupAsync(Data, Backup));
        Assert.That(
            await File.ReadAllTextAsync(Path.Combine(Backup, "admin.key")),
            Is.EqualTo(await File.ReadAllTextAsync(Path.Combine(Data, "admin.key")))
        );
        Assert.That(
            await File.ReadAllTextAsync(Path.Combine(Backup, "master.key")),
            Is.EqualTo(await File.ReadAllTextAsync(Path.Combine(Data, "master.key")))
        );
        foreach (var file in Directory.EnumerateFiles(Backup))
            Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite), file);
        Assert.That(File.GetUnixFileMode(Backup), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));

        await DoneAsync(DaemonTool.BackupAsync(Data, Backup, "--without-keys"));
        Assert.That(Directory.EnumerateFiles(Backup).Select(Path.GetFileName), Is.EquivalentTo(new[] { "mailproxy.db", "backup.json" }));
    }

    [Test]
    public async Task Backup_FullDisk_SaysSoAndKeepsTheOlderOne()
    {
        await using var disk = await TmpfsMount.MakeAsync(8);
        await using var daemon = await StartAsync(Data);
        await PostAsync(daemon, "first", "x");
        var directory = Path.Combine(disk.Data, "backup");
        await DoneAsync(DaemonTool.BackupAsync(Data, directory));
        var older = await File.ReadAllTextAsync(Path.Combine(directory, "backup.json"));
        disk.Fill();

        await RefusedAsync(DaemonTool.BackupAsync(Data, directory), "full");
        Assert.That(await File.ReadAllTextAsync(Path.Combine(directory, "backup.json")), Is.EqualTo(older));
        Assert.That(Directory.EnumerateDirectories(disk.Data).Select(Path.GetFileName), Is.EqualTo(new[] { "backup" }));
    }

    [TestCase]
    [TestCase("--data=x")]
    public async Task Backup_WithoutADirectory_IsTheWrongCommand(params string[] arguments) =>
        Assert.That((await DaemonTool.CallAsync(["backup", .. arguments])).ExitCode, Is.EqualTo(2));

    private static async Task<DaemonProcess> StartAsync(string data, params (string Name, string Value)[] settings)
    {
        var daemon = DaemonProcess.Start(data, settings);
        await daemon.ListeningAsync();
        return daemon;
    }

    private static async Task<string> PostAsync(
        DaemonProcess daemon,
        string id,
        string text,
        string account = "sandbox",
        string? sendAt = "2037-01-01T08:00:00Z"
    )
    {
        using var posted = await daemon.Http.PostAsJsonAsync(
            "/v1/messages",
            new
            {
                id,
                account,
                from = "a@example.com",
                to = "b@example.com",
                text,
                send_at = sendAt,
            }
        );
        Assert.That(posted.StatusCode, Is.EqualTo(HttpStatusCode.Accepted), await posted.Content.ReadAsStringAsync());
        return id;
    }

    /// <summary>Bodies of their own that are stored, replaced and erased, so that files come and go.</summary>
    private static async Task ComeAndGoAsync(DaemonProcess daemon, int client, CancellationToken enough)
    {
        for (var number = 0; !enough.IsCancellationRequested; number++)
            await PostAsync(daemon, $"moving-{client}", Large + number);
    }

    private static async Task<JsonNode> JsonAsync(DaemonProcess daemon, string path) =>
        JsonNode.Parse(await daemon.Http.GetStringAsync(path))!;

    private static async Task<string[]> IdsAsync(DaemonProcess daemon) =>
        [.. (await JsonAsync(daemon, "/v1/messages?limit=500"))["data"]!.AsArray().Select(message => (string)message!["id"]!)];

    private static async Task<string[]> EventIdsAsync(DaemonProcess daemon) =>
        [.. (await JsonAsync(daemon, "/v1/events?limit=500"))["data"]!.AsArray().Select(one => (string)one!["id"]!)];

    private static async Task<string> DoneAsync(Task<(int ExitCode, string Output)> command)
    {
        var (exitCode, output) = await command;
        Assert.That(exitCode, Is.Zero, output);
        return output;
    }

    private static async Task RefusedAsync(Task<(int ExitCode, string Output)> command, string reason)
    {
        var (exitCode, output) = await command;
        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(output, Does.Contain(reason));
        Assert.That(output.TrimEnd().Split('\n'), Has.Length.EqualTo(1), output);
    }
}
