using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>The unit under a real systemd: reload, the socket unit, the master key as a credential.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class ServiceReloadTests : InstalledService
{
    [SetUp]
    public async Task SetUpAsync()
    {
        await Machine.ShellAsync(
            """
            systemctl stop mailproxy.socket || true
            systemctl stop mailproxy
            rm -f /etc/mailproxy/appsettings.json
            systemctl reset-failed
            systemctl start mailproxy
            """
        );
    }

    [Test]
    public async Task Reload_ChangedSettings_AppliesWhatItCanAndNamesTheRest()
    {
        var process = await Machine.ShowAsync("MainPID");
        await SettingsAsync("""{"Log": {"Level": "Debug"}, "AdminKey": "a-new-admin-key-of-the-test", "Send": {"IdleConnections": 7}}""");
        await Machine.RunAsync("systemctl", "reload", "mailproxy");
        await JournalHasAsync("The settings were reloaded");

        Assert.That(await Machine.ShowAsync("MainPID"), Is.EqualTo(process));
        Assert.That(await Machine.JournalAsync(), Does.Contain("take a restart: Send:IdleConnections\n"));
        Assert.That(await StatusWithKeyAsync("a-new-admin-key-of-the-test"), Is.EqualTo("200"));
        Assert.That(await StatusWithKeyAsync("$(cat /var/lib/mailproxy/admin.key)"), Is.EqualTo("401"));
        Assert.That(await Machine.JournalAsync(), Does.Not.Contain("a-new-admin-key"));
    }

    [Test]
    public async Task Reload_WrongSettings_FailsAndTheServiceGoesOnAsItWas()
    {
        var process = await Machine.ShowAsync("MainPID");
        await SettingsAsync("""{"Log": {"Level": "Loud"}}""");
        var (exitCode, _) = await Machine.TryAsync("systemctl", "reload", "mailproxy");

        Assert.That(exitCode, Is.Not.Zero);
        Assert.That(await Machine.JournalAsync(), Does.Contain("Log:Level"));
        Assert.That(await Machine.ShowAsync("MainPID"), Is.EqualTo(process));
        Assert.That(await StatusWithKeyAsync("$(cat /var/lib/mailproxy/admin.key)"), Is.EqualTo("200"));
    }

    [Test]
    public async Task Hangup_WrongSettings_ChangesNothing()
    {
        var process = await Machine.ShowAsync("MainPID");
        await SettingsAsync("""{"AdminKey": "short"}""");
        await Machine.ShellAsync($"kill -HUP {process}");
        await JournalHasAsync("The settings were not reloaded");

        Assert.That(await Machine.ShowAsync("MainPID"), Is.EqualTo(process));
        Assert.That(await StatusWithKeyAsync("$(cat /var/lib/mailproxy/admin.key)"), Is.EqualTo("200"));
    }

    [Test]
    public async Task Socket_Enabled_RequestsWaitWhileTheServiceRestarts()
    {
        await Machine.ShellAsync(PackagingReadme.Block("socket"));
        await JournalHasAsync("HTTP listens on 1 socket(s)");
        await Machine.RunAsync("systemctl", "stop", "mailproxy.service");

        // Nobody runs: the request itself starts the service, and is answered by it.
        Assert.That(await Machine.AskAsync("/health/ready"), Does.Contain("ready"));

        var statuses = await Machine.ShellAsync(
            """
            key=$(cat /var/lib/mailproxy/admin.key)
            (for i in $(seq 300); do
                curl -s -o /dev/null --max-time 30 -w '%{http_code}\n' -H "Authorization: Bearer $key" http://127.0.0.1:8000/v1/status
            done) > /tmp/statuses &
            asking=$!
            for i in 1 2; do systemctl restart mailproxy.service; done
            wait $asking
            sort /tmp/statuses | uniq -c | tr -s ' '
            """
        );
        Assert.That(statuses.Trim(), Is.EqualTo("300 200"));
        await Machine.ShellAsync("systemctl disable --now mailproxy.socket; systemctl stop mailproxy");
    }

    [Test]
    public async Task MasterKey_AsTheReadmeSays_IsReadFromTheCredential()
    {
        // The unit asks for it and starts without it too: the tests before have shown that.
        // The key of a machine that is thrown away lies on a file system that is, which the automatic choice of a key refuses.
        var block = PackagingReadme
            .Block("master-key")
            .Replace("systemd-creds encrypt", "systemd-creds encrypt --with-key=host", StringComparison.Ordinal);
        await Machine.ShellAsync("systemctl stop mailproxy; rm -rf /var/lib/private/mailproxy/*\n" + block);
        await Machine.RunAsync("systemctl", "start", "mailproxy");

        Assert.That(await Machine.ShellAsync("ls /var/lib/mailproxy/"), Does.Contain("admin.key").And.Not.Contain("master.key"));
        await Machine.ShellAsync("systemctl stop mailproxy; rm -rf /etc/credstore.encrypted /var/lib/private/mailproxy/*");
    }

    private Task SettingsAsync(string json) =>
        Machine.ShellAsync($"mkdir -p /etc/mailproxy; cat > /etc/mailproxy/appsettings.json <<'END'\n{json}\nEND");

    private Task JournalHasAsync(string text) =>
        Eventually.BecomesAsync(Machine.JournalAsync, journal => journal.Contains(text, StringComparison.Ordinal));

    private Task<string> StatusWithKeyAsync(string key) =>
        Machine.ShellAsync(
            $"curl -s -o /dev/null --max-time 30 -w '%{{http_code}}' -H \"Authorization: Bearer {key}\" http://127.0.0.1:8000/v1/status"
        );
}
