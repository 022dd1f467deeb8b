using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>Where settings come from, and what is said of a place that cannot be read or has a mistake.</summary>
[TestFixture]
internal sealed class SettingsOriginTests
{
    private TempDirectory _directory = null!;

    private string Installed => Path.Combine(_directory, "installed.json");

    [SetUp]
    public void SetUp() => _directory = new();

    [TearDown]
    public void TearDown() => _directory.Dispose();

    // What Kubernetes puts into every pod beside a Service called mailproxy, or mailproxy-smtp; and docker --link.
    [TestCase("MAILPROXY_PORT", "tcp://10.0.0.1:8000")]
    [TestCase("MAILPROXY_SERVICE_HOST", "10.0.0.1")]
    [TestCase("MAILPROXY_SERVICE_PORT", "8000")]
    [TestCase("MAILPROXY_SERVICE_PORT_HTTP", "8000")]
    [TestCase("MAILPROXY_SERVICE_PORT_HTTP_METRICS", "8000")]
    [TestCase("MAILPROXY_PORT_8000_TCP", "tcp://10.0.0.1:8000")]
    [TestCase("MAILPROXY_PORT_8000_TCP_PROTO", "tcp")]
    [TestCase("MAILPROXY_PORT_8000_TCP_PORT", "8000")]
    [TestCase("MAILPROXY_PORT_8000_TCP_ADDR", "10.0.0.1")]
    [TestCase("MAILPROXY_PORT_53_UDP", "udp://10.0.0.1:53")]
    [TestCase("MAILPROXY_SMTP_PORT", "tcp://10.0.0.1:25")]
    [TestCase("MAILPROXY_SMTP_SERVICE_HOST", "10.0.0.1")]
    [TestCase("MAILPROXY_NAME", "/app/mailproxy")]
    [TestCase("MAILPROXY_ENV_DOTNET_VERSION", "10.0.0")]
    public void Environment_WhatOthersInject_IsPassedOver(string name, string text) => Assert.That(Read((name, text)).Mistakes, Is.Empty);

    [TestCase("MAILPROXY_PORT", "8000")]
    [TestCase("MAILPROXY_NAME", "mail")]
    [TestCase("MAILPROXY_SANDBOX_PORT", "8025")]
    [TestCase("MAILPROXY_SEND_WORKERS", "3")]
    [TestCase("MAILPROXY_SEND__WORKER", "3")]
    public void Environment_AMistake_IsToldByTheVariablesWholeName(string name, string text) =>
        Assert.That(Read((name, text)).Mistakes, Has.Count.EqualTo(1).And.All.Contains($"({name}): unknown setting."));

    [Test]
    public void Environment_ASettingOfThatShape_StaysASetting() =>
        Assert.That(Read(("MAILPROXY_SANDBOX__PORT", "8025")).Settings!.Sandbox.Port, Is.EqualTo(8025));

    [Test]
    public void Environment_TwoNamesOfOneSetting_AreRefused() =>
        Assert.That(
            Read(("MAILPROXY_ADMIN_KEY", "0123456789abcdef"), ("MAILPROXY_ADMINKEY", "0123456789abcdef")).Mistakes,
            Has.One.EqualTo("MAILPROXY_ADMIN_KEY: means the same as MAILPROXY_ADMINKEY; set one of the two.")
        );

    [TestCase("{\n \"Log\": {\n  \"Level\": \"Loud\" } }", "Log:Level ({0}, line 3): must be one of ")]
    [TestCase("{\n \"Log\": {},\n \"log\": {} }", "log ({0}, line 3): is set twice, first in line 2.")]
    [TestCase("{\"Send\":{\"Workers\":1,\n\"Workers\":2}}", "Send:Workers ({0}, line 2): is set twice, first in line 1.")]
    [TestCase("{\"Send\":{\"Workers\":true}}", "Send:Workers ({0}, line 1): 'true' is not a number in range.")]
    [TestCase("{\"Send\":{\"Workers\":1.5}}", "Send:Workers ({0}, line 1): '1.5' is not a number in range.")]
    [TestCase("{\"Send\":{\"Workers\":[1]}}", "Send:Workers ({0}, line 1): takes one value, not a group.")]
    [TestCase("{\"Send\":[1]}", "Send:0 ({0}, line 1): unknown setting.")]
    [TestCase("{\"Api\":{\"TakeWait\":\"10\"}}", "Api:TakeWait ({0}, line 1): '10' is not a time: ")]
    [TestCase("{\"Network\":{\"Allowed\":{\"x\":\"::1\"}}}", "Network:Allowed:x ({0}, line 1): unknown setting: ")]
    [TestCase("{\"Network\":{\"Allowed\":[[\"::1\"]]}}", "Network:Allowed:0 ({0}, line 1): takes one value, not a group.")]
    [TestCase("{\n\"Data\": x }", "{0}: is not JSON: line 2, column 9.")]
    [TestCase("{\"Data\":\"x\"}}", "{0}: is not JSON: line 1, column 13.")]
    [TestCase("", "{0}: is not JSON: line 1, column 1.")]
    [TestCase("[]", "{0}: must be a JSON object, that is {{…}}.")]
    [TestCase("{\"Data\":\"\\ud800\"}", "{0}: line 1: the text is not valid Unicode.")]
    public void File_AMistake_IsToldWithItsLine(string text, string mistake)
    {
        File.WriteAllText(Installed, text);
        Assert.That(
            Read().Mistakes,
            Has.Some.StartsWith(string.Format(System.Globalization.CultureInfo.InvariantCulture, mistake, Installed))
        );
    }

    [Test]
    public void File_WithCommentsBomAndTrailingComma_IsRead()
    {
        File.WriteAllText(
            Installed,
            "{ // why\n \"Send\": { \"Workers\": 7, }, }",
            new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true)
        );
        Assert.That(Read().Settings!.Engine.Send.Workers, Is.EqualTo(7));
    }

    [Test]
    public void File_Null_IsTheDefault()
    {
        File.WriteAllText(Installed, """{"Send":{"Workers":null},"AdminKey":null,"Network":{"Allowed":[]}}""");
        Assert.That(Read().Settings!.Engine.Send.Workers, Is.EqualTo(256));
    }

    [Test]
    public void File_Missing_SaysNothing() => Assert.That(Read().Mistakes, Is.Empty);

    [Test]
    public void File_ADirectory_IsRefused()
    {
        Directory.CreateDirectory(Installed); // docker makes one when what it is to mount is missing
        Assert.That(Read().Mistakes, Is.EqualTo(new[] { $"{Installed}: is a directory and not a file." }));
    }

    [Test]
    public void File_BelowAFile_IsRefused()
    {
        File.WriteAllText(Path.Combine(_directory, "etc"), "");
        Assert.That(
            SettingsReader
                .Read([], _directory, Path.Combine(_directory, "etc", "appsettings.json"), new Dictionary<string, string>())
                .Mistakes,
            Has.One.Contains("cannot be read")
        );
    }

    [Test]
    public void File_ALinkThatLeadsNowhere_IsRefused()
    {
        File.CreateSymbolicLink(Installed, Path.Combine(_directory, "gone.json"));
        Assert.That(Read().Mistakes, Is.EqualTo(new[] { $"{Installed}: there is no such file." }));
    }

    [Test]
    public void File_NamedByTheVariable_IsReadInsteadAndMustBeThere()
    {
        File.WriteAllText(Installed, """{"Send":{"Workers":7}}""");
        var other = Path.Combine(_directory, "other.json");
        Assert.That(Read(("MAILPROXY_SETTINGS_FILE", other)).Mistakes, Is.EqualTo(new[] { $"{other}: there is no such file." }));
        File.WriteAllText(other, """{"Send":{"Workers":8}}""");
        Assert.That(Read(("MAILPROXY_SETTINGS_FILE", other)).Settings!.Engine.Send.Workers, Is.EqualTo(8));
    }

    [TestCase("a                    ")]
    [TestCase("                      ")]
    [TestCase("0123456789\t0123456789")]
    [TestCase("0123456789äöü0123456789")]
    public void AdminKey_WhatNoHeaderCarriesOrBlanks_IsRefused(string key) =>
        Assert.That(
            Read(("MAILPROXY_ADMIN_KEY", key)).Mistakes,
            Has.One.StartsWith("AdminKey (MAILPROXY_ADMIN_KEY): must have at least 16")
        );

    [TestCase("MAILPROXY_LIMITS__BURST", "5")]
    public void Combinations_ThatContradict_AreRefused(string name, string text) =>
        Assert.That(Read((name, text)).Mistakes, Has.Count.EqualTo(1));

    [Test]
    public void Mistake_WithAnyText_IsOneLine() =>
        Assert.That(
            Read(("MAILPROXY_SEND__WORKERS", "x\ny\u0007" + new string('z', 5000))).Mistakes.Single(),
            Has.Length.LessThan(250).And.Not.Contains("\n").And.Not.Contains("\u0007")
        );

    private (DaemonSettings? Settings, IReadOnlyList<string> Mistakes) Read(params (string Name, string Value)[] environment) =>
        SettingsReader.Read([], _directory, Installed, environment.ToDictionary(v => v.Name, v => v.Value));
}
