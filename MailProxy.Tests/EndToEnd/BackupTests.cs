using System.Net;
using System.Runtime.Versioning;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary><c>mailproxy backup</c> of a daemon that runs, and <c>mailproxy restore</c>.</summary>
[TestFixture]
[UnsupportedOSPlatform("windows")]
[Parallelizable(ParallelScope.Self)]
internal sealed class BackupTests : BackupFixture
{
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
        {
            await using var raw = await restored.Http.GetStreamAsync($"/v1/messages/{id}/raw");
            Assert.That((await MimeMessage.LoadAsync(raw)).TextBody?.TrimEnd(), Is.EqualTo(Large.TrimEnd()), id);
        }
        foreach (var id in await IdsAsync(restored))
            Assert.That(await restored.StatusAsync($"/v1/messages/{id}/raw"), Is.EqualTo(HttpStatusCode.OK), id);
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
}
