using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>The unit as it is shipped, under a real systemd: start, stop, crash, watchdog, reload, journal, modes, update.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class SystemdTests : InstalledService
{
    private const string DropIns = "/run/systemd/system/mailproxy.service.d";

    [SetUp]
    public async Task SetUpAsync()
    {
        await Machine.ShellAsync($"rm -rf {DropIns} /etc/mailproxy/appsettings.json; systemctl daemon-reload; systemctl reset-failed");
        await Machine.RunAsync("systemctl", "start", "mailproxy");
    }

    [Test]
    public async Task Start_UnitAsShipped_ReturnsWhenItTakesRequests()
    {
        await Machine.RunAsync("systemctl", "restart", "mailproxy");

        Assert.That(await Machine.AskAsync("/health/ready"), Does.Contain("ready"));
        Assert.That(await Machine.ShowAsync("ActiveState"), Is.EqualTo("active"));
        Assert.That(await Machine.ShowAsync("NRestarts"), Is.EqualTo("0"));
    }

    [TestCase("Type", "notify")]
    [TestCase("ProtectProc", "invisible")]
    [TestCase("MemoryMax", "2147483648")]
    [TestCase("LimitCORE", "0")]
    [TestCase("WatchdogUSec", "1min")]
    [TestCase("TimeoutStopUSec", "1min")]
    [TestCase("DynamicUser", "yes")]
    [TestCase("NeedDaemonReload", "no")]
    public async Task Show_UnitAsShipped_IsHardenedAndBounded(string property, string value) =>
        Assert.That(await Machine.ShowAsync(property), Is.EqualTo(value));

    [Test]
    public async Task Stop_HalfARequestAndAServerThatHangs_EndsCleanlyInItsTime()
    {
        await ConfigureAsync("Environment=MAILPROXY_DRAIN__GRACESECONDS=1 MAILPROXY_DRAIN__REPLYSECONDS=1");
        await Machine.AskAsync("/v1/messages", """{"from":"a@example.com","to":"hang@example.com","text":"x"}""");
        await Machine.ShellAsync("exec 3<>/dev/tcp/127.0.0.1/8000; printf 'GET / HTTP/1.1\\r\\nHos' >&3; systemctl stop mailproxy");

        Assert.That(await Machine.ShowAsync("Result"), Is.EqualTo("success"));
        Assert.That(await Machine.ShowAsync("ActiveState"), Is.EqualTo("inactive"));
        Assert.That(await Machine.JournalAsync(), Does.Contain("Stopped; waiting mail is on disk"));
    }

    [Test]
    public async Task Killed_IsStartedAnewAndKeepsWhatItHad()
    {
        await Machine.AskAsync(
            "/v1/messages",
            """{"id":"kept","from":"a@example.com","to":"b@example.com","text":"x","send_at":"2037-01-01T08:00:00Z"}"""
        );
        await NewProcessAsync(() => Machine.RunAsync("systemctl", "kill", "-s", "KILL", "--kill-who=main", "mailproxy"));

        Assert.That(await Machine.AskAsync("/v1/messages/kept"), Does.Contain("scheduled"));
    }

    [Test]
    public async Task Watchdog_ProcessThatNoLongerTurns_IsKilledAndStartedAnew()
    {
        await ConfigureAsync("WatchdogSec=4");
        await NewProcessAsync(async () => await Machine.RunAsync("kill", "-STOP", await Machine.ShowAsync("MainPID")));

        Assert.That(await Machine.JournalAsync(), Does.Contain("Watchdog timeout"));
    }

    [Test]
    public async Task Watchdog_ProcessThatTurns_IsLeftAlone()
    {
        await ConfigureAsync("WatchdogSec=20"); // a machine on which all tests run may stand still for seconds
        var before = await Machine.ShowAsync("WatchdogTimestampMonotonic");
        for (var beats = 0; beats < 3; beats++)
        {
            var last = before;
            before = await Eventually.BecomesAsync(() => Machine.ShowAsync("WatchdogTimestampMonotonic"), now => now != last);
        }

        Assert.That(await Machine.ShowAsync("NRestarts"), Is.EqualTo("0"));
    }

    [Test]
    public async Task Start_WrongSettings_FailsOnceAndWaitsForAPerson()
    {
        await Machine.ShellAsync("""echo '{"Log": {"Level": "Loud"}}' > /etc/mailproxy/appsettings.json""");
        var (exitCode, _) = await Machine.TryAsync("systemctl", "restart", "mailproxy");

        Assert.That(exitCode, Is.Not.Zero);
        Assert.That(await Machine.ShowAsync("ExecMainStatus"), Is.EqualTo("2"));
        Assert.That(await Machine.ShowAsync("ActiveState"), Is.EqualTo("failed"));
        Assert.That(await Machine.ShowAsync("NRestarts"), Is.EqualTo("0"));
        Assert.That(await Machine.JournalAsync(), Does.Contain("Log:Level"));
    }

    [Test]
    public async Task Files_AllThatItMade_AreItsOwnersOnly()
    {
        // Large enough for a file of its own.
        await Machine.ShellAsync(
            """
            (printf '{"from":"a@example.com","to":"b@example.com","send_at":"2037-01-01T08:00:00Z","text":"'; head -c 400000 /dev/zero | tr '\0' x; printf '"}') > /tmp/large.json
            """
        );
        await Machine.AskAsync(
            "/v1/messages",
            json: null,
            method: "POST -H 'Content-Type: application/json' --data-binary @/tmp/large.json"
        );
        var files = await Machine.ShellAsync("find -L /var/lib/mailproxy -printf '%y %m %P\\n' | sort");

        Assert.That(
            files,
            Does.Contain("mailproxy.db-wal")
                .And.Contain("mailproxy.db-shm")
                .And.Contain("spool/")
                .And.Contain("cache")
                .And.Contain("admin.key")
                .And.Contain("master.key")
        );
        Assert.That(files.Split('\n'), Has.All.Match("^(d 700|f 600|s 600) "));
    }

    [Test]
    public async Task Journal_LinesOfTheDaemon_CarryTheirPriorities()
    {
        await Machine.AskAsync("/v1/dispatcher/suspend", method: "POST");
        await Machine.AskAsync("/v1/dispatcher/activate", method: "POST");
        await Machine.RunAsync("systemctl", "restart", "mailproxy");
        var lines = (await Machine.RunAsync("journalctl", "-o", "json", "-u", "mailproxy", "_COMM=mailproxy"))
            .Split('\n')
            .Select(line => JsonNode.Parse(line)!)
            .ToList();

        Assert.That(
            lines
                .Where(line => ((string?)line["MESSAGE"])?.Contains("Stopped; waiting mail", StringComparison.Ordinal) == true)
                .Select(line => (string?)line["PRIORITY"]),
            Is.Not.Empty.And.All.EqualTo("6")
        );
        Assert.That(lines.Select(line => (string?)line["MESSAGE"]), Has.None.Match("^<[0-7]>"));
    }

    [Test]
    public async Task Update_AsTheReadmeSays_LeavesTheRunningProgramAloneUntilItIsRestarted()
    {
        var before = await ProgramAsync();
        var block = PackagingReadme.Block("update");
        var restart = block.IndexOf("systemctl restart", StringComparison.Ordinal);
        await Machine.ShellAsync(block[..restart]);
        Assert.That(await ProgramAsync(), Is.EqualTo(before));
        Assert.That(await Machine.AskAsync("/v1/status"), Does.Contain("version").Or.Contain("queued"));

        await Machine.ShellAsync(block[restart..]);
        Assert.That(await ProgramAsync(), Is.Not.EqualTo(before));
        Assert.That(await Machine.ShowAsync("NRestarts"), Is.EqualTo("0"));
        Assert.That(await Machine.AskAsync("/health/ready"), Does.Contain("ready"));
    }

    [Test]
    public async Task BackupAndRestore_AsTheReadmeSays_KeepWhatTheBackupHasAndStartSuspended()
    {
        await Machine.AskAsync(
            "/v1/messages",
            """{"id":"saved","from":"a@example.com","to":"b@example.com","text":"x","send_at":"2037-01-01T08:00:00Z"}"""
        );
        await Machine.ShellAsync(PackagingReadme.Block("backup"));
        await Machine.AskAsync(
            "/v1/messages",
            """{"id":"later","from":"a@example.com","to":"b@example.com","text":"x","send_at":"2037-01-01T08:00:00Z"}"""
        );
        await Machine.ShellAsync(PackagingReadme.Block("restore"));

        Assert.That(await Machine.AskAsync("/v1/messages?limit=500"), Does.Contain("\"saved\"").And.Not.Contain("\"later\""));
        Assert.That(await Machine.AskAsync("/v1/status"), Does.Contain("\"suspended\":true"));
        await Machine.AskAsync("/v1/dispatcher/activate", method: "POST");
    }

    private async Task<string> ProgramAsync() => await Machine.RunAsync("readlink", $"/proc/{await Machine.ShowAsync("MainPID")}/exe");

    private async Task ConfigureAsync(string line)
    {
        await Machine.ShellAsync($"mkdir -p {DropIns}; printf '[Service]\\n%s\\n' '{line}' > {DropIns}/test.conf; systemctl daemon-reload");
        await Machine.RunAsync("systemctl", "restart", "mailproxy");
    }

    /// <summary>Waits until another process than before takes requests.</summary>
    private async Task NewProcessAsync(Func<Task> act)
    {
        var before = await Machine.ShowAsync("MainPID");
        await act();
        await Eventually.BecomesAsync(() => Machine.ShowAsync("MainPID"), now => now != before && now != "0");
        await Eventually.BecomesAsync(() => Machine.ShowAsync("ActiveState"), state => state == "active");
        Assert.That(await Machine.AskAsync("/health/ready"), Does.Contain("ready"));
    }
}
