using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>What Send does when an account is in trouble: a probe has a connection of its own, and nothing else begins.</summary>
internal sealed class ProbeSendTests
{
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public void SetUp() => _server = new();

    [TearDown]
    public ValueTask TearDown() => _server.DisposeAsync();

    [Test]
    public async Task Probe_WithAConnectionIdle_OpensAnother()
    {
        await using var rig = new SendRig(Sample.Account(_server.Port));
        await rig.SendAsync(1);
        await rig.SendAsync(2);
        Assert.That(_server.Connections, Is.EqualTo(1), "an idle one is used");

        await rig.PutAsync(3, isProbe: true);
        var outcome = await rig.OutcomeAsync(3);

        Assert.That(_server.Connections, Is.EqualTo(2));
        Assert.That((outcome.IsProbe, outcome is Outcome.Attempted), Is.EqualTo((true, true)));
        Assert.That((await rig.SendAsync(4)).IsProbe, Is.False);
        Assert.That(_server.Connections, Is.EqualTo(2), "that goes on with the new one");
    }

    [Test]
    public async Task Probe_Answered_WakesNobodyBeforeReportHasSaidHow()
    {
        await using var rig = new SendRig(Sample.Account(_server.Port));
        await rig.PutAsync(1, isProbe: true);
        await rig.OutcomeAsync(1);
        await rig.SendAsync(2);

        Assert.That(rig.Wake.Drain().Answered.Select(static ticket => ticket.Id), Is.EqualTo(new[] { 2 }));
    }

    [Test]
    public async Task Held_MailThatHasNotBegun_ComesBackAndAProbeGoes()
    {
        await using var rig = new SendRig(Sample.Account(_server.Port), isHeld: static _ => true);

        var held = await rig.SendAsync(1);
        await rig.PutAsync(2, isProbe: true);
        var probe = await rig.OutcomeAsync(2);

        Assert.That((held is Outcome.HeldBack, _server.Connections), Is.EqualTo((true, 1)));
        Assert.That(rig.Permits[1].Spent, Is.Zero);
        Assert.That(probe, Is.InstanceOf<Outcome.Attempted>());
    }

    [Test]
    public async Task Trouble_IsOfTheAccountAsItWasTried()
    {
        _server.Say("CONNECT", "421 4.3.2 Not now");
        var account = Sample.Account(_server.Port) with { Version = 7 };
        await using var rig = new SendRig(account);

        var outcome = (Outcome.AccountToBlame)await rig.SendAsync(1);

        Assert.That(outcome.Trouble.Version, Is.EqualTo(7));
    }
}
