using MailProxy.Daemon.Cli;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>Commands of a user of a machine whose daemon has its store in PostgreSQL.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PostgresClientTests
{
    private CliRig _rig = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _rig = await CliRig.StartAsync();
        _rig.Variables["MAILPROXY_STORAGE__PROVIDER"] = "postgres";
    }

    [TearDown]
    public async Task StopAsync() => await _rig.DisposeAsync();

    private string Missing => Path.Combine(_rig.Directory, "of-another-user");

    [Test]
    public async Task Doctor_LooksAtTheDatabase()
    {
        _rig.Variables["MAILPROXY_STORAGE__CONNECTIONSTRING"] = PostgresServer.Shared.ConnectionString("postgres");
        var result = await _rig.ExpectAsync(0, "doctor", "--quick");
        Assert.That(result.Out, Does.Contain("ok      database, connection: PostgreSQL 1"));
        Assert.That(result.Out, Does.Contain("warning database, durability: fsync is off").And.Contain("ok      database, replicas: none"));
    }

    [Test]
    public async Task Doctor_DatabaseNotThere_IsAProblem()
    {
        _rig.Variables["MAILPROXY_STORAGE__CONNECTIONSTRING"] = $"Host=127.0.0.1;Port={FreePort.Take()};Username=x;Database=x";
        var result = await _rig.ExpectAsync(1, "doctor", "--quick");
        Assert.That(result.Out, Does.Contain("problem database, connection: PostgreSQL cannot be reached: "));
    }

    [Test]
    public async Task ConnectionString_NotToBeReadByThisUser_IsNeededByNoCommandButTheCheck()
    {
        _rig.Variables["MAILPROXY_STORAGE__CONNECTIONSTRINGFILE"] = Missing;
        await _rig.ExpectAsync(0, "status");
        var result = await _rig.ExpectAsync(0, "doctor", "--quick");
        Assert.That(result.Out, Does.Contain($"skipped database, connection: not looked at: Storage:ConnectionStringFile: '{Missing}' "));
        result = await _rig.ExpectAsync(ExitCode.Usage, "config", "check");
        Assert.That(result.Error, Does.Contain($"Storage:ConnectionStringFile: '{Missing}' cannot be read: "));
    }

    [Test]
    public async Task ConnectionString_OfTheServicesCredential_IsNoMistake()
    {
        await _rig.ExpectAsync(0, "status");
        var result = await _rig.ExpectAsync(ExitCode.Usage, "config", "check");
        Assert.That(result.Error, Does.Contain("Storage:ConnectionString: Storage:Provider postgres needs it"));
    }
}
