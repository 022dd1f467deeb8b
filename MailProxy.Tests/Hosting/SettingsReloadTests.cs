using MailProxy.Daemon.Api;
using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Configuration;
using NUnit.Framework;
using Serilog.Events;

namespace MailProxy.Tests.Hosting;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SettingsReloadTests : IDisposable
{
    private const string Key = "the-first-admin-key-of-all";

    private readonly TempDirectory _directory = new();
    private readonly LogRecorder _log = new();
    private readonly LogLevels _levels = new("Information");
    private readonly AdminKey _adminKey = new(Key);

    private string Logged => string.Join('\n', _log.Lines.Select(line => line.Text));

    public void Dispose()
    {
        _directory.Dispose();
        _log.Dispose();
    }

    [Test]
    public void Run_LevelAndKey_AreInForce()
    {
        Reload(("Log:Level", "Debug"), ("AdminKey", "another-admin-key-of-all"));

        Assert.That(_levels.Own.MinimumLevel, Is.EqualTo(LogEventLevel.Debug));
        Assert.That(_levels.Framework.MinimumLevel, Is.EqualTo(LogEventLevel.Warning));
        Assert.That(_adminKey.Matches("another-admin-key-of-all"), Is.True);
        Assert.That(_adminKey.Matches(Key), Is.False);
        Assert.That(Logged, Does.Contain("were reloaded").And.Not.Contain("restart").And.Not.Contain("another-admin-key"));
    }

    [Test]
    public void Run_OthersChanged_AreNamedWithoutTheirValues()
    {
        Reload(("Urls", "http://127.0.0.1:9999"), ("MasterKey", new string('a', 64)), ("AdminKey", Key));

        Assert.That(Logged, Does.Contain("take a restart: MasterKey, Urls").And.Not.Contain("9999").And.Not.Contain("aaaa"));
        Assert.That(_adminKey.Matches(Key), Is.True);
    }

    [Test]
    public void Run_WrongSettings_ChangeNothing()
    {
        Reload(("Log:Level", "Loud"), ("AdminKey", "another-admin-key-of-all"));

        Assert.That(_levels.Own.MinimumLevel, Is.EqualTo(LogEventLevel.Information));
        Assert.That(_adminKey.Matches(Key), Is.True);
        Assert.That(Logged, Does.Contain("Log:Level").And.Contain("were not reloaded"));
    }

    [Test]
    public void Run_WrongAdminKeyFile_ChangesNothing()
    {
        File.WriteAllText(Path.Combine(_directory, "admin.key"), "short\n");
        Reload(("Log:Level", "Debug"));

        Assert.That(_levels.Own.MinimumLevel, Is.EqualTo(LogEventLevel.Information));
        Assert.That(_adminKey.Matches(Key), Is.True);
        Assert.That(Logged, Does.Contain("admin.key").And.Contain("were not reloaded"));
    }

    [Test]
    public void Run_Profiles_DecideFromThenOnAndTheShippedOnesStay()
    {
        var profiles = Directory.CreateDirectory(Path.Combine(_directory, "profiles")).FullName;
        File.WriteAllText(Path.Combine(profiles, "own.json"), """{"hosts": ["smtp.own.example"], "rules": []}""");
        var settings = Read(("AdminKey", Key));
        Assert.That(settings.Profiles.For("smtp.own.example").Name, Is.EqualTo("any"));
        Reload(settings, ("AdminKey", Key), ("Verdicts:Directory", profiles));

        Assert.That(settings.Profiles.For("smtp.own.example").Name, Is.EqualTo("own"), Logged);
        Assert.That(MailProxy.Pipeline.Profiles.ProfileSet.Shipped.For("smtp.own.example").Name, Is.EqualTo("any"));
    }

    private void Reload(params (string Path, string Value)[] next) => Reload(Read(("AdminKey", Key)), next);

    private void Reload(DaemonSettings now, params (string Path, string Value)[] next) =>
        new SettingsReload(now, () => SettingsReader.Read(Configuration(next)), _levels, _adminKey, _log).Run();

    private DaemonSettings Read(params (string Path, string Value)[] values) => SettingsReader.Read(Configuration(values)).Settings!;

    private IConfiguration Configuration((string Path, string Value)[] values) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(
                values.Append(("Data", _directory.Path)).Select(one => KeyValuePair.Create(one.Item1, (string?)one.Item2))
            )
            .Build();
}
