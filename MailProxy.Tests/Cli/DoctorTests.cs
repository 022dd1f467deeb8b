using System.Net;
using MailProxy.Daemon.Cli;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>What the doctor finds, with names that a test wrote.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class DoctorTests
{
    private readonly FakeNames _names = new();
    private CliRig _rig = null!;
    private ScriptedSmtpServer _smtp = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _rig = await CliRig.StartAsync(("Network:Allowed:0", "127.0.0.0/8"));
        _rig.Names = _names;
        _smtp = new() { StartTls = true };
        _smtp.Extensions.Add("AUTH PLAIN");
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _smtp.DisposeAsync();
        await _rig.DisposeAsync();
    }

    private Task PutAccountAsync(object? more = null) =>
        _rig.Daemon.SendAsync(
            HttpMethod.Put,
            "/v1/accounts/relay",
            more
                ?? new
                {
                    host = "127.0.0.1",
                    port = _smtp.Port,
                    security = "starttls",
                    verify_certificate = false,
                    from_allowed = new[] { "@example.com" },
                }
        );

    private void PublishDomain()
    {
        _names.Texts["example.com"] = ["other", "v=spf1 include:spf.example.net ~all"];
        _names.Texts["_dmarc.example.com"] = ["v=DMARC1; p=none"];
    }

    [Test]
    public async Task Everything_Right_IsExitCodeZero()
    {
        PublishDomain();
        await PutAccountAsync();
        var result = await _rig.ExpectAsync(0, "doctor");
        Assert.That(result.Out, Does.Contain("ok      daemon, connection").And.Contain("ok      installation, store"));
        Assert.That(result.Out, Does.Contain("ok      account relay, log-in: connects, without a log-in (TLS 1."));
        Assert.That(result.Out, Does.Contain("account relay, certificate: ").And.Contain("ok      domain example.com, SPF"));
        Assert.That(result.Out, Does.Contain("domain example.com, DMARC: v=DMARC1; p=none").And.Contain("problems: 0."));
    }

    [Test]
    public async Task Domain_WithoutRecords_IsAWarningWithTheRecordToMake()
    {
        await PutAccountAsync();
        var result = await _rig.ExpectAsync(0, "doctor");
        Assert.That(result.Out, Does.Contain("warning domain example.com, SPF: there is no record"));
        Assert.That(result.Out, Does.Contain("TXT record of _dmarc.example.com: v=DMARC1; p=none"));
    }

    [TestCase("v=spf1 +all", "it lets everybody send")]
    [TestCase("v=spf1 ~all\nv=spf1 -all", "there are 2 records")]
    public async Task Spf_Wrong_IsAProblem(string records, string says)
    {
        PublishDomain();
        _names.Texts["example.com"] = records.Split('\n');
        await PutAccountAsync();
        var result = await _rig.ExpectAsync(1, "doctor");
        Assert.That(result.Out, Does.Contain($"problem domain example.com, SPF: {says}"));
    }

    [Test]
    public async Task Key_ThatSignsAndIsNotInDns_IsAProblemUntilItIs()
    {
        PublishDomain();
        await PutAccountAsync();
        var key = (await _rig.ExpectAsync(0, [.. "accounts dkim add relay --domain example.com --selector s --json".Split(' ')])).Json;
        await _rig.ExpectAsync(0, "accounts", "dkim", "activate", "relay", "s");
        var result = await _rig.ExpectAsync(1, "doctor", "--quick");
        Assert.That(
            result.Out,
            Does.Contain("problem domain example.com, DKIM s: s._domainkey.example.com is not in DNS, and mail is signed with it.")
        );

        var dns = (key["data"]?[0] ?? key)["dns"]!;
        _names.Texts[(string)dns["name"]!] = [(string)dns["value"]!];
        await _rig.ExpectAsync(0, "doctor", "--quick");
    }

    [Test]
    public async Task LogIn_Refused_IsAProblemInWords()
    {
        PublishDomain();
        _smtp.Say("AUTH", "535 5.7.8 no");
        await PutAccountAsync(
            new
            {
                host = "127.0.0.1",
                port = _smtp.Port,
                security = "starttls",
                verify_certificate = false,
                auth = new { user = "u", password = "p" },
            }
        );
        var result = await _rig.ExpectAsync(1, "doctor");
        Assert.That(
            result.Out,
            Does.Contain("problem account relay, authenticate: ").And.Contain("The server does not accept user and password.")
        );
    }

    [Test]
    public async Task Host_WithoutAddressAndSecretThatEnded_AreProblems()
    {
        await PutAccountAsync(
            new
            {
                host = "smtp.example.invalid",
                port = 587,
                security = "starttls",
                secret_expires_at = "2020-01-01T00:00:00Z",
            }
        );
        var result = await _rig.ExpectAsync(1, "doctor", "--quick");
        Assert.That(result.Out, Does.Contain("problem account relay, name: smtp.example.invalid has no address in DNS."));
        Assert.That(result.Out, Does.Contain("problem account relay, secret: it ended on 2020-01-01."));
    }

    [Test]
    public async Task Advice_OfTheProvider_IsComparedWithWhatIsSet()
    {
        _names.Addresses["smtp.gmail.com"] = [IPAddress.Loopback];
        await PutAccountAsync(
            new
            {
                host = "smtp.gmail.com",
                port = 587,
                security = "starttls",
                max_connections = 20,
            }
        );
        var result = await _rig.ExpectAsync(0, "doctor", "--quick");
        Assert.That(result.Out, Does.Contain("warning account relay, advice: max_connections is 20; google asks for at most 5."));
    }

    [Test]
    public async Task Names_ThatCannotBeAsked_AreWarnings()
    {
        _names.IsDown = true;
        await PutAccountAsync(
            new
            {
                host = "smtp.example.com",
                port = 587,
                security = "starttls",
                from_allowed = new[] { "@example.com" },
            }
        );
        var result = await _rig.ExpectAsync(0, "doctor", "--quick");
        Assert.That(
            result.Out,
            Does.Contain("warning account relay, name: smtp.example.com cannot be looked up from here: no server answers.")
        );
        Assert.That(result.Out, Does.Contain("warning domain example.com, DNS: it cannot be asked from here: no server answers."));
    }

    [Test]
    public async Task Volume_ThatIsNotThere_AndSuspendedSending_AreProblems()
    {
        await _rig.Daemon.SendAsync(HttpMethod.Put, "/v1/volumes/v", new { backend = "local", config = new { root = "/nonexistent/x" } });
        await _rig.ExpectAsync(0, "dispatcher", "suspend");
        var result = await _rig.ExpectAsync(1, "doctor");
        Assert.That(
            result.Out,
            Does.Contain("problem volume v, test: ").And.Contain("problem daemon, sending: a person has suspended it.")
        );
    }

    [Test]
    public async Task Daemon_NotThere_IsAProblemAndTheFilesAreLookedAtAllTheSame()
    {
        _rig.Variables["MAILPROXY_DATA"] = Path.Combine(_rig.Directory, "none");
        _rig.Variables["MAILPROXY_URLS"] = $"http://127.0.0.1:{FreePort.Take()}";
        var result = await _rig.ExpectAsync(1, "doctor");
        Assert.That(result.Out, Does.Contain("problem daemon, connection: ").And.Contain("ok      installation, settings"));
    }

    [Test]
    public async Task Findings_InJson_AreAList()
    {
        var result = await _rig.ExpectAsync(0, "doctor", "--quick", "--json");
        Assert.That(result.Json["ok"]!.GetValue<bool>());
        Assert.That(result.Json["findings"]!.AsArray(), Has.Count.GreaterThan(5));
    }

    [Test]
    public async Task Settings_Wrong_AreToldByConfigCheck()
    {
        await _rig.WriteAsync("bad.json", """{ "Urls": "ftp://x", "Frob": 1 }""");
        var result = await _rig.ExpectAsync(ExitCode.Usage, "config", "check", "--config", "bad.json");
        Assert.That(result.Error, Does.Contain("Urls").And.Contain("Frob"));
        Assert.That((await _rig.RunAsync("config", "check", "--config", "bad.json", "--json")).Json["ok"]!.GetValue<bool>(), Is.False);
    }
}
