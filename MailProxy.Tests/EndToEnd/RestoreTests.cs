using System.Net;
using System.Net.Http.Json;
using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What a restore puts back, and what it refuses to touch.</summary>
[TestFixture]
[UnsupportedOSPlatform("windows")]
[Parallelizable(ParallelScope.Self)]
internal sealed class RestoreTests : BackupFixture
{
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
}
