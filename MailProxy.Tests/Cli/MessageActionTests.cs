using MailProxy.Daemon.Cli;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>Commands that act on messages: on ids, and on all that a search finds.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class MessageActionTests
{
    private CliRig _rig = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _rig = await CliRig.StartAsync();
        for (var i = 0; i < 5; i++)
            await _rig.Daemon.PostAsync(
                new
                {
                    id = $"m-{i}",
                    from = "a@example.com",
                    to = "b@example.com",
                    text = "x",
                    batch = "news",
                    send_at = "2099-01-01T00:00:00Z",
                }
            );
    }

    [TearDown]
    public async Task StopAsync() => await _rig.DisposeAsync();

    [Test]
    public async Task Hold_OfIds_HoldsEachAndGoesOnBehindOneThatIsNotThere()
    {
        var result = await _rig.ExpectAsync(ExitCode.NotFound, "messages", "hold", "m-0", "nothing", "m-1");
        Assert.That(result.Out, Is.EqualTo("m-0: held\nm-1: held\n"));
        Assert.That(result.Error, Does.Contain("nothing: "));
    }

    [Test]
    public async Task Hold_OfOneHeld_IsAConflict()
    {
        await _rig.ExpectAsync(0, "messages", "hold", "m-0");
        var result = await _rig.ExpectAsync(ExitCode.Conflict, "messages", "hold", "m-0");
        Assert.That(result.Error, Does.Contain("(already_held)"));
    }

    [Test]
    public async Task Matching_Preview_ChangesNothing()
    {
        var result = await _rig.ExpectAsync(0, "messages", "hold", "--matching", "batch:news", "--preview");
        Assert.That(result.Out, Does.Contain("Found: 5 messages").And.Contain("would change 5").And.Contain("m-4"));
        Assert.That((string?)(await _rig.Daemon.GetAsync("/v1/messages/m-0"))["status"], Is.EqualTo("scheduled"));
    }

    [Test]
    public async Task Matching_ConfirmedByAPerson_RunsToItsEndAndIsUndone()
    {
        _rig.Typed = ["y"];
        var result = await _rig.ExpectAsync(0, "messages", "hold", "--matching", "batch:news");
        Assert.That(result.Error, Does.Contain("hold 5 messages? [y/N]"));
        Assert.That(result.Out, Does.Contain("done: 5 changed, 0 refused.").And.Contain("mailproxy operations undo op_"));
        var id = result.Out[result.Out.IndexOf("op_", StringComparison.Ordinal)..].Trim();
        await _rig.ExpectAsync(0, "operations", "undo", id);
        Assert.That((string?)(await _rig.Daemon.GetAsync("/v1/messages/m-0"))["status"], Is.EqualTo("scheduled"));
    }

    [Test]
    public async Task Matching_DeniedByAPerson_ChangesNothing()
    {
        _rig.Typed = ["n"];
        Assert.That(
            (await _rig.ExpectAsync(0, "messages", "cancel", "--matching", "batch:news")).Out,
            Does.Contain("Nothing was changed.")
        );
        Assert.That((string?)(await _rig.Daemon.GetAsync("/v1/messages/m-0"))["status"], Is.EqualTo("scheduled"));
    }

    [Test]
    public async Task Matching_WithNobodyThere_WantsTheFlag() =>
        Assert.That(
            (await _rig.ExpectAsync(ExitCode.Usage, "messages", "cancel", "--matching", "batch:news")).Error,
            Does.Contain("say --yes")
        );

    [Test]
    public async Task Matching_Nothing_IsDone() =>
        Assert.That((await _rig.ExpectAsync(0, "messages", "cancel", "--matching", "batch:other")).Out, Does.Contain("Found: 0 messages"));

    [Test]
    public async Task Matching_InJson_IsTheEndedOperation()
    {
        var result = await _rig.ExpectAsync(0, "messages", "cancel", "--matching", "batch:news", "--yes", "--json");
        Assert.That(((string?)result.Json["status"], (int)result.Json["changed"]!), Is.EqualTo(("done", 5)));
    }

    [Test]
    public async Task Reschedule_ToUnixSecondsAndText_IsTaken()
    {
        await _rig.ExpectAsync(0, "messages", "reschedule", "m-0", "--at", "4102444800");
        var result = await _rig.ExpectAsync(0, "messages", "reschedule", "m-0", "--at", "2098-05-01T00:00:00Z", "--json");
        Assert.That((string?)result.Json["send_at"], Does.StartWith("2098-05-01"));
    }
}
