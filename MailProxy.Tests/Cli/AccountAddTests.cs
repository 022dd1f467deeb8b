using MailProxy.Daemon.Cli;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>Accounts made by a preset.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AccountAddTests
{
    private CliRig _rig = null!;
    private ScriptedSmtpServer _smtp = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _rig = await CliRig.StartAsync();
        _smtp = new();
        _smtp.Extensions.Add("AUTH PLAIN");
        await _rig.WriteAsync("pw", "correct horse\n");
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _smtp.DisposeAsync();
        await _rig.DisposeAsync();
    }

    private string[] Generic(params string[] more) =>
        [
            .. $"accounts add mine --preset generic --host 127.0.0.1 --port {_smtp.Port} --security none --user u --password-file pw".Split(
                ' '
            ),
            .. more,
        ];

    [Test]
    public async Task Generic_WithFlags_IsMadeAndTestedAtOnce()
    {
        var result = await _rig.ExpectAsync(0, Generic());
        Assert.That(
            result.Out,
            Does.Contain("The account mine is there.").And.Contain("mine: ok, logged in").And.Contain("mailproxy send --account mine")
        );
        Assert.That(_smtp.Lines, Has.Some.StartsWith("AUTH").And.None.StartsWith("MAIL"));
    }

    [Test]
    public async Task LogIn_Refused_SaysWhatToDoAndExitsOne()
    {
        _smtp.Say("AUTH", "535 5.7.8 no");
        var result = await _rig.ExpectAsync(1, Generic());
        Assert.That(result.Out, Does.Contain("mine: failed at authenticate").And.Contain("The server does not accept user and password."));
        Assert.That(result.Out, Does.Contain("  1. ").And.Contain("--replace").And.Not.Contain("correct horse"));
        await _rig.ExpectAsync(0, "accounts", "show", "mine");
    }

    [Test]
    public async Task Account_ThatIsThere_IsReplacedOnlyWhenSaid()
    {
        await _rig.ExpectAsync(0, Generic("--no-test"));
        Assert.That((await _rig.ExpectAsync(ExitCode.Conflict, Generic("--no-test"))).Error, Does.Contain("--replace"));
        await _rig.ExpectAsync(0, Generic("--no-test", "--replace"));
    }

    [Test]
    public async Task Person_IsAskedForWhatIsMissing_AndAgainForWhatIsWrong()
    {
        _rig.Typed = ["postmark", "not an address", "news@example.com"];
        _rig.Secret = "00000000-0000-0000-0000-000000000000";
        var result = await _rig.ExpectAsync(0, "accounts", "add", "--no-test");
        Assert.That(result.Error, Does.Contain("Provider: ").And.Contain("API Tokens").And.Contain("it is neither a mail address nor"));
        Assert.That(result.Error + result.Out, Does.Not.Contain("00000000-0000"));
        var account = (await _rig.ExpectAsync(0, "accounts", "show", "postmark", "--json")).Json;
        Assert.That((string?)account["host"], Is.EqualTo("smtp.postmarkapp.com"));
        Assert.That((string?)account["from_allowed"]![0], Is.EqualTo("news@example.com"));
    }

    [Test]
    public async Task Secret_OnStandardInput_IsTaken()
    {
        string[] args = [.. "accounts add --preset sendgrid --from @example.com --password-file - --no-test".Split(' ')];
        var result = await _rig.RunAsync(args, default, input: "SG.abc\n"u8.ToArray());
        Assert.That(result.Code, Is.Zero, result.ToString());
    }

    [TestCase("--preset sendgrid --from @example.com --no-test", "--password-file (API key): it is missing.")]
    [TestCase("--preset sendgrid --from frob --password-file pw --no-test", "--from (From address or domain): it is neither")]
    [TestCase("--preset sendgrid --from @example.com --password-file pw --no-test", "an API key of SendGrid begins with SG.")]
    [TestCase(
        "--preset ses --host x --no-test",
        "--host: the preset ses does not ask for it. It asks for: --region, --user, --password-file, --from."
    )]
    [TestCase("--no-test", "Which provider? Say --preset with one of: gmail, microsoft, ses")]
    public async Task Values_MissingOrWrong_AreNamedByTheirFlag(string line, string says) =>
        Assert.That((await _rig.ExpectAsync(ExitCode.Usage, ["accounts", "add", .. line.Split(' ')])).Error, Does.Contain(says));
}
