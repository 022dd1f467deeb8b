using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>The stage of sending as it stops or is aborted.</summary>
internal sealed class SendStopTests
{
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public void SetUp() => _server = new();

    [TearDown]
    public async Task TearDown() => await _server.DisposeAsync();

    [Test]
    public async Task Abort_ReplyToTheDotOutstanding_IsInDoubtAndWaitersAreDropped()
    {
        _server.Say("DOT", ScriptedSmtpServer.Hang);
        await using var rig = new SendRig(Account() with { MaxConnections = 1 });
        await rig.PutAsync(1);
        await _server.Seen("DOT");
        await rig.PutAsync(2);

        await rig.AbortAsync();
        await rig.DrainAsync();

        Assert.That(((Outcome.Attempted)await rig.OutcomeAsync(1)).Verdicts.Single().Verdict, Is.EqualTo(Verdict.InDoubt));
        Assert.That(await rig.OutcomeAsync(2), Is.TypeOf<Outcome.Dropped>());
    }

    [Test]
    public async Task Abort_BeforeTheDot_CostsNoAttempt()
    {
        _server.Say("DATA", ScriptedSmtpServer.Hang);
        await using var rig = new SendRig(Account());
        await rig.PutAsync(1);
        await _server.Seen("DATA");

        await rig.AbortAsync();

        Assert.That(await rig.OutcomeAsync(1), Is.TypeOf<Outcome.Released>());
    }

    [Test]
    public async Task Stop_TheUsedConnectionHasDiedAndNoOtherIsOpened_CostsNoAttemptAndBlamesNobody()
    {
        await using var rig = new SendRig(Account());
        await rig.SendAsync(1);
        _server.Say("MAIL", ScriptedSmtpServer.Drop).Say("CONNECT", ScriptedSmtpServer.Hang);
        await rig.PutAsync(2);
        await _server.Seen("CONNECT", 2);

        await rig.StopAsync();

        Assert.That(await rig.OutcomeAsync(2), Is.TypeOf<Outcome.Dropped>(), "its body has not begun");
        Assert.That(rig.Permits[2].Spent, Is.Zero);
    }

    [Test]
    public async Task Stop_OneUnderWayAndOneInWait_TheOneEndsAndTheOtherStaysInTheQueue()
    {
        var mark = new TaskCompletionSource<bool>();
        await using var rig = new SendRig(Account() with { MaxConnections = 1 }, mark: _ => mark.Task);
        await rig.PutAsync(1);
        await rig.PutAsync(2);
        await _server.Seen("DATA");

        await rig.StopAsync();
        mark.SetResult(true);

        Outcome[] outcomes = [await rig.OutcomeAsync(1), await rig.OutcomeAsync(2)];
        Assert.That(outcomes.Select(o => o.GetType()), Is.EquivalentTo(new[] { typeof(Outcome.Attempted), typeof(Outcome.Dropped) }));
        Assert.That(_server.Mails, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Channel_Completed_RunsDry()
    {
        await using var rig = new SendRig(Account());
        for (var id = 1; id <= 50; id++)
            await rig.PutAsync(id);

        await rig.DrainAsync();

        Assert.That(_server.Mails, Has.Count.EqualTo(50));
        Assert.That(_server.Connections, Is.LessThanOrEqualTo(8));
    }

    private SmtpAccount Account() => Sample.Account(_server.Port);
}
