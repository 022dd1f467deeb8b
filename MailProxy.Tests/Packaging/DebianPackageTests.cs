using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>The life of the package under dpkg and a real systemd, in order: install, upgrade, downgrade, refusal, remove, purge.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class DebianPackageTests
{
    private const string Later =
        """{"id":"kept","from":"a@example.com","to":"b@example.com","text":"x","send_at":"2037-01-01T08:00:00Z"}""";

    // Shows as the version of the package that is installed, and its state.
    private static readonly string[] Installed = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", "mailproxy"];

    private PublishedDaemon _published = null!;
    private TempDirectory _packages = null!;
    private SystemdMachine _machine = null!;

    [OneTimeSetUp]
    public async Task BuildAsync()
    {
        _packages = new();
        _published = await PublishedDaemon.MakeAsync();
        foreach (var version in (string[])["0.1.0", "0.2.0"])
            await PackageBuild.MakeAsync("deb", _published.Path, version, _packages);
        _machine = await SystemdMachine.BootAsync(_published.Path, _packages);
        await _machine.ShellAsync(
            """
            dpkg-deb -R packages/mailproxy_0.1.0_amd64.deb /tmp/old
            sed -i 's/^Version: .*/Version: 0.0.9/' /tmp/old/DEBIAN/control
            sed -i 's/-gt [0-9]*/-gt 1/' /tmp/old/DEBIAN/preinst
            dpkg-deb -Znone -b /tmp/old /tmp/mailproxy_0.0.9_amd64.deb
            """
        );
    }

    [OneTimeTearDown]
    public async Task TearDownAsync()
    {
        if (_machine is not null)
            await _machine.DisposeAsync();
        _published?.Dispose();
        _packages?.Dispose();
    }

    [Test, Order(1)]
    public async Task Install_CleanRoot_RunsAsItsUserAndSendsAMail()
    {
        await InstallAsync("0.1.0");

        Assert.That(await _machine.ShowAsync("ActiveState"), Is.EqualTo("active"));
        Assert.That(await _machine.ShowAsync("UnitFileState"), Is.EqualTo("enabled"));
        Assert.That(await UserAsync(), Is.EqualTo("mailproxy"));
        Assert.That(await _machine.ShellAsync("stat -c '%U %G %a' /var/lib/mailproxy"), Is.EqualTo("mailproxy mailproxy 700"));
        Assert.That(await _machine.ShellAsync("stat -c '%U %G %a' /etc/mailproxy/appsettings.json"), Is.EqualTo("root mailproxy 640"));
        var sent = await _machine.ShellAsync("mailproxy send --from a@example.com --to b@example.com --subject Hello --text x --wait");
        Assert.That(sent, Does.Contain("sent"));
    }

    [Test, Order(2)]
    public async Task Files_ManPageAndCompletions_AreThere()
    {
        // What is a page of the manual elsewhere too: the root has no index of them.
        Assert.That(
            await _machine.ShellAsync("zcat /usr/share/man/man1/mailproxy.1.gz | groff -man -Tascii"),
            Does.Contain("import-genro").And.Contain("admin.key")
        );
        Assert.That(
            await _machine.ShellAsync("source /usr/share/bash-completion/completions/mailproxy; complete -p mailproxy"),
            Does.Contain("_mailproxy")
        );
        Assert.That(await _machine.ShellAsync("dpkg -V mailproxy"), Is.Empty);
    }

    [Test, Order(3)]
    public async Task Upgrade_MailInTheQueue_KeepsItAndTheSettings()
    {
        await _machine.AskAsync("/v1/messages", Later);
        await _machine.ShellAsync("""echo '{"Log": {"Level": "Warning"}}' > /etc/mailproxy/appsettings.json""");
        var before = await _machine.ShowAsync("MainPID");
        await InstallAsync("0.2.0");

        Assert.That(await _machine.ShowAsync("MainPID"), Is.Not.EqualTo(before));
        Assert.That(await ProgramAsync(), Does.StartWith("/usr/lib/mailproxy/run-0.2.0/"));
        Assert.That(await _machine.AskAsync("/v1/messages/kept"), Does.Contain("scheduled"));
        Assert.That(await _machine.ShellAsync("cat /etc/mailproxy/appsettings.json"), Does.Contain("Warning"));
        Assert.That(
            await _machine.ShellAsync("ls -d /usr/lib/mailproxy/*"),
            Is.EqualTo("/usr/lib/mailproxy/current\n/usr/lib/mailproxy/dist\n/usr/lib/mailproxy/run-0.2.0")
        );
    }

    [Test, Order(4)]
    public async Task Downgrade_StoreThatTheOlderVersionKnows_Succeeds()
    {
        await InstallAsync("0.1.0");

        Assert.That(await _machine.RunAsync(Installed), Is.EqualTo("ii 0.1.0"));
        Assert.That(await _machine.AskAsync("/v1/messages/kept"), Does.Contain("scheduled"));
    }

    [Test, Order(5)]
    public async Task Downgrade_StoreThatTheOlderVersionDoesNotKnow_IsRefusedAndNothingChanges()
    {
        var before = await _machine.ShowAsync("MainPID");
        var (exitCode, output) = await _machine.TryAsync("dpkg", "-i", "/tmp/mailproxy_0.0.9_amd64.deb");

        Assert.That(exitCode, Is.Not.Zero);
        Assert.That(output, Does.Contain("older than the store in /var/lib/mailproxy").And.Contain("restore a backup"));
        Assert.That(await _machine.RunAsync(Installed), Is.EqualTo("ii 0.1.0"));
        Assert.That(await _machine.ShowAsync("MainPID"), Is.EqualTo(before));
        Assert.That(await _machine.AskAsync("/v1/messages/kept"), Does.Contain("scheduled"));
    }

    [Test, Order(6)]
    public async Task Install_TheSameVersionOnceMore_GoesOn()
    {
        await InstallAsync("0.1.0");

        Assert.That(await ProgramAsync(), Does.StartWith("/usr/lib/mailproxy/run-0.1.0/"));
        Assert.That(await _machine.AskAsync("/v1/messages/kept"), Does.Contain("scheduled"));
    }

    [Test, Order(7)]
    public async Task Remove_StopsAndLeavesMailAndSettings()
    {
        await _machine.RunAsync("dpkg", "--no-triggers", "-r", "mailproxy");

        Assert.That(await _machine.ShowAsync("ActiveState"), Is.EqualTo("inactive"));
        Assert.That(
            await _machine.ShellAsync("test ! -e /usr/lib/mailproxy; test ! -e /usr/bin/mailproxy; ls /var/lib/mailproxy"),
            Does.Contain("mailproxy.db")
        );
        Assert.That(await _machine.ShellAsync("cat /etc/mailproxy/appsettings.json"), Does.Contain("Warning"));

        await InstallAsync("0.1.0");
        Assert.That(await _machine.AskAsync("/v1/messages/kept"), Does.Contain("scheduled"));
    }

    [Test, Order(8)]
    public async Task Purge_LeavesNothing()
    {
        await _machine.RunAsync("dpkg", "--no-triggers", "-P", "mailproxy");

        Assert.That(
            await _machine.ShellAsync(
                "find / -xdev -path /tmp -prune -o -path /srv -prune -o -path '/var/log/*' -prune -o -name '*mailproxy*' -print"
            ),
            Is.Empty
        );
        Assert.That((await _machine.TryAsync(Installed)).ExitCode, Is.Not.Zero);
    }

    private Task<string> InstallAsync(string version) =>
        _machine.RunAsync("dpkg", "--no-triggers", "-i", $"/srv/packages/mailproxy_{version}_amd64.deb");

    private async Task<string> UserAsync() => await _machine.RunAsync("stat", "-c", "%U", $"/proc/{await _machine.ShowAsync("MainPID")}");

    private async Task<string> ProgramAsync() => await _machine.RunAsync("readlink", $"/proc/{await _machine.ShowAsync("MainPID")}/exe");
}
