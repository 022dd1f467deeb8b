using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Accounts;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

[TestFixture]
internal sealed class ServiceUnitTests
{
    private const string Program = "/opt/mailproxy/mailproxy";

    [Test]
    public async Task Verify_ServiceUnit_NoComplaint()
    {
        var (exitCode, output) = await VerifyAsync(unit => unit);
        Assert.That(exitCode, Is.Zero, output);
        Assert.That(output, Is.Empty);
    }

    [Test]
    public async Task Verify_MisspelledSetting_Complains()
    {
        // Proves that the check above reads what it is given.
        var (_, output) = await VerifyAsync(unit => unit.Replace("NoNewPrivileges=", "NoNewPrivilege=", StringComparison.Ordinal));
        Assert.That(output, Does.Contain("NoNewPrivilege"));
    }

    [Test]
    public void Unit_TimeToStop_LongerThanTheDrain() =>
        Assert.That(
            Unit().Split('\n'),
            Is.SupersetOf(new[] { "Type=notify", "TimeoutStopSec=60", "KillMode=mixed", "Environment=MAILPROXY_DATA=%S/mailproxy" })
        );

    [Test]
    public void Unit_CredentialItTakes_IsTheOneThatIsRead()
    {
        Assert.That(Unit().Split('\n'), Does.Contain($"LoadCredentialEncrypted={MasterKeySources.Credential}"));
        Assert.That(Unit().Split('\n'), Does.Contain($"LoadCredentialEncrypted={StorageConnection.Credential}"));
        Assert.That(PackagingReadme.Block("master-key"), Does.Contain($"--name={MasterKeySources.Credential} "));
    }

    [Test]
    public async Task Security_ServiceUnit_IsWellBelowMedium()
    {
        // In tenths of the exposure that systemd counts; 5 is medium.
        var (exitCode, output) = await AnalyzeAsync(unit => unit, "security", "--offline=true", "--threshold=15");
        Assert.That(exitCode, Is.Zero, output);
    }

    // verify wants the program to exist, which it does only where MailProxy is installed.
    private static Task<(int ExitCode, string Output)> VerifyAsync(Func<string, string> change) => AnalyzeAsync(change, "verify");

    private static async Task<(int ExitCode, string Output)> AnalyzeAsync(Func<string, string> change, params string[] arguments)
    {
        var unit = Unit();
        Assert.That(unit, Does.Contain($"ExecStart={Program} "));
        var directory = Directory.CreateTempSubdirectory("mailproxy-unit-");
        try
        {
            var file = Path.Combine(directory.FullName, "mailproxy.service");
            await File.WriteAllTextAsync(file, change(unit.Replace($"={Program} ", "=/bin/true ", StringComparison.Ordinal)));
            return await Run.AsIsAsync("systemd-analyze", [.. arguments, file]);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static string Unit() => File.ReadAllText(Repository.File("packaging/mailproxy.service"));
}
