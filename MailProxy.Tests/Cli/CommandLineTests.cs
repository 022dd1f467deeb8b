using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>What people see who mistype, have no key, or name what is not there; and what programs see.</summary>
[TestFixture]
internal sealed class CommandLineTests
{
    private CliRig _rig = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _rig = await CliRig.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _rig.DisposeAsync();

    [TestCase("messages", "There are: list, show")]
    [TestCase("messages frob", "'frob' is not a command of it. There are: list, show")]
    [TestCase("messages show", "ID is missing: The message's id.")]
    [TestCase("messages show a b", "'b' is one word too many")]
    [TestCase("messages list --frob", "the option --frob is not known. See mailproxy messages list --help.")]
    [TestCase("messages list --frob=secret", "the option --frob is not known.")]
    [TestCase("messages list --limit x", "--limit: 'x' is not a number from 1 to 1000000")]
    [TestCase("messages list --limit 0", "--limit: '0' is not a number from 1")]
    [TestCase("messages cancel", "Which messages? Give their ids, or --matching QUERY.")]
    [TestCase("messages cancel a --matching x", "Which messages?")]
    [TestCase("messages reroute a", "Name one of --account and --pool.")]
    [TestCase("messages reschedule a", "Say --at TIME.")]
    [TestCase("accounts add --preset frob", "--preset")]
    [TestCase(
        "accounts add --password x",
        "--password is not taken: everybody on this machine can read arguments. Use --password-file FILE"
    )]
    [TestCase("status --key=secret", "--key is not taken")]
    [TestCase("accounts set x", "--file FILE is missing.")]
    [TestCase("accounts set x --file no.json", "--file: no.json cannot be read:")]
    [TestCase("send --to a@example.com --text x", "Say --from ADDRESS.")]
    [TestCase("send --from a@example.com --text x", "Say --to ADDRESS.")]
    [TestCase("send --from a@example.com --to b@example.com", "Say --text TEXT")]
    [TestCase("send no.eml", "FILE: no.eml cannot be read:")]
    [TestCase("send no.eml --subject x", "--subject: the message in FILE has that itself.")]
    [TestCase("events --after x --from now", "--after and --from both say where to begin")]
    [TestCase("status --server frob", "--server: 'frob' is not the address of a daemon.")]
    [TestCase("doctor --dns frob", "--dns: 'frob' is not an address")]
    [TestCase("apply", "--file FILE is missing.")]
    [TestCase("completions ksh", "ksh")]
    public async Task Arguments_Wrong_AreSaidInOneLineWithTheRemedy(string line, string says)
    {
        var result = await _rig.ExpectAsync(ExitCode.Usage, line.Split(' '));
        Assert.That(result.Error, Does.StartWith("mailproxy: ").And.Contain(says).And.Not.Contain("secret"));
        Assert.That((result.Out, result.Error.Trim().Split('\n').Length), Is.EqualTo(("", 1)));
    }

    [Test]
    public async Task Confirmation_WithNobodyThere_IsAskedForByFlag() =>
        Assert.That((await _rig.ExpectAsync(ExitCode.Usage, "accounts", "delete", "x")).Error, Does.Contain("say --yes"));

    [Test]
    public async Task Object_NotThere_IsExitCodeFive()
    {
        var result = await _rig.ExpectAsync(ExitCode.NotFound, "messages", "show", "nothing");
        Assert.That(result.Error, Does.Contain("(not_found)"));
    }

    [Test]
    public async Task Search_Wrong_SaysWhatIsKnownAndExitsTwo() =>
        Assert.That((await _rig.ExpectAsync(ExitCode.Usage, "messages", "list", "frob:x")).Error, Does.Contain("invalid_search"));

    [Test]
    public async Task Refusal_InJson_IsTheDaemonsProblemOnStandardError()
    {
        var result = await _rig.ExpectAsync(ExitCode.NotFound, "messages", "show", "nothing", "--json");
        Assert.That((string?)JsonNode.Parse(result.Error)!["code"], Is.EqualTo("not_found"));
        Assert.That(result.Out, Is.Empty);
    }

    [Test]
    public async Task Daemon_NotThere_IsExitCodeThree()
    {
        var result = await _rig.ExpectAsync(ExitCode.Unreachable, "status", "--server", $"http://127.0.0.1:{FreePort.Take()}");
        Assert.That(result.Error, Does.Contain("cannot be reached").And.Contain("mailproxy serve"));
    }

    [Test]
    public async Task Key_Wrong_IsExitCodeFour()
    {
        await _rig.WriteAsync("wrong.key", "mpt_wrong\n");
        var result = await _rig.ExpectAsync(ExitCode.Refused, "status", "--key-file", "wrong.key");
        Assert.That(result.Error, Does.Contain("--key-file").And.Contain("(unauthorized)").And.Not.Contain("mpt_wrong"));
    }

    [Test]
    public async Task Help_OfAnyCommand_NeedsNoDaemon()
    {
        foreach (var line in new[] { "--help", "messages --help", "messages list -h", "accounts dkim add --help", "send --help" })
        {
            var result = await _rig.ExpectAsync(ExitCode.Done, line.Split(' '));
            Assert.That(result.Out, Does.StartWith("mailproxy"));
        }
    }

    [Test]
    public async Task Messages_SentShownAndListed_AreTablesForPeopleAndJsonForPrograms()
    {
        var sent = await _rig.ExpectAsync(
            0,
            [.. "send --from a@example.com --to b@example.com --subject Hi --id m-1 --wait --text x".Split(' ')]
        );
        Assert.That(sent.Out, Does.Contain("message.queued").And.Contain("m-1: sent"));
        var list = await _rig.ExpectAsync(0, "messages", "list", "id:m-1");
        Assert.That(list.Out, Does.StartWith("ID ").And.Contain("m-1 ").And.Contain("b@example.com"));
        Assert.That(list.Out, Does.Not.Contain("\u001b"));
        var json = (await _rig.ExpectAsync(0, "messages", "list", "id:m-1", "--json")).Json;
        Assert.That((string?)json["data"]![0]!["status"], Is.EqualTo("sent"));
        Assert.That((await _rig.ExpectAsync(0, "messages", "show", "m-1", "--json")).Json["final"]!.GetValue<bool>());
        Assert.That((await _rig.ExpectAsync(0, "where", "b@example.com")).Out, Does.Contain("m-1"));
        Assert.That((await _rig.ExpectAsync(0, "messages", "list", "@example.com")).Code, Is.Zero, "a word with @ is no file of arguments");
    }

    [Test]
    public async Task Message_ThatFails_IsWaitedForWithExitCodeOne()
    {
        var result = await _rig.ExpectAsync(
            1,
            [.. "send --from a@example.com --to perm@example.com --text x --id bad-1 --wait".Split(' ')]
        );
        Assert.That(result.Out, Does.Contain("bad-1: failed"));
        await _rig.ExpectAsync(1, "messages", "watch", "bad-1");
    }

    [Test]
    public async Task Subject_ThatTurnsText_DoesNotReachTheTerminal()
    {
        await _rig.Daemon.PostAsync(
            new
            {
                id = "esc-1",
                from = "a@example.com",
                to = "b@example.com",
                subject = "x\u202Ey",
                text = "x",
            }
        );
        await _rig.Daemon.UntilAsync("esc-1", EventType.MessageSent);
        var result = await _rig.ExpectAsync(0, "messages", "list", "id:esc-1");
        Assert.That(result.Out, Does.Not.Contain("\u202E").And.Contain("x\uFFFDy"));
    }

    [TestCase("a\u001b[31mb", "a\uFFFD[31mb")]
    [TestCase("a\u009b31mb", "a\uFFFD31mb")]
    [TestCase("a\tb é", "a\tb é")]
    public void Text_WithControlCharacters_IsShownWithout(string text, string shown) =>
        Assert.That(Daemon.Cli.Output.Plain.Of(text), Is.EqualTo(shown));

    [Test]
    public async Task List_OfMoreThanALimit_SaysThatThereAreMore()
    {
        for (var i = 0; i < 3; i++)
            await _rig.Daemon.PostAsync(
                new
                {
                    id = $"many-{i}",
                    from = "a@example.com",
                    to = "many@example.com",
                    text = "x",
                }
            );
        var some = await _rig.ExpectAsync(0, "messages", "list", "to:many@example.com", "--limit", "2");
        Assert.That(some.Error, Does.Contain("There are more than these 2"));
        var all = await _rig.ExpectAsync(0, "messages", "list", "to:many@example.com", "--limit", "3", "--json");
        Assert.That(all.Json["data"]!.AsArray(), Has.Count.EqualTo(3));
    }

    [Test]
    public async Task Events_FollowedFromTheStart_EndAfterTheirCount()
    {
        await _rig.Daemon.PostAsync(
            new
            {
                id = "ev-1",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        var result = await _rig.ExpectAsync(0, "events", "--follow", "--from", "start", "--count", "2", "--json");
        Assert.That(result.Out.Trim().Split('\n').Select(line => (string?)JsonNode.Parse(line)!["type"]), Has.Exactly(2).Items);
    }
}
