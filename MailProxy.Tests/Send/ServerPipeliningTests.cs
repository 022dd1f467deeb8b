using MailProxy.Pipeline.Send;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>What is learned of a server, transaction by transaction.</summary>
internal sealed class ServerPipeliningTests
{
    private static readonly SmtpReply Ok = SmtpReply.Of(250, "ok");
    private static readonly SmtpReply No = SmtpReply.Of(503, "5.5.1 pipelined");

    private FakeTimeProvider _clock = null!;
    private List<PipeliningStop> _told = null!;
    private ServerPipelining _server = null!;

    [SetUp]
    public void SetUp()
    {
        (_clock, _told) = (new(), []);
        _server = new(_clock, (why, _) => _told.Add(why));
    }

    [Test]
    public void Ask_UntilProven_IsTheProofAndOneAtATime()
    {
        Assert.That((_server.Ask(), _server.Ask()), Is.EqualTo(((bool?)false, (bool?)null)));

        Prove();

        Assert.That((_server.Ask(), _server.Ask()), Is.EqualTo(((bool?)true, (bool?)true)));
    }

    [Test]
    public void Ask_ProofCameToNoEnd_IsTriedAgainLater()
    {
        _server.Ask();
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That(_server.Ask(), Is.False);
    }

    [Test]
    public void Final_TookOverASecond_NothingWaitsBehindForAMinute()
    {
        Prove();
        _server.Learn(Final(Ok, behind: true, took: 1.1));
        Assert.That(_server.Ask(), Is.Null);

        _clock.Advance(ServerPipelining.SlowFor);
        Assert.That(_server.Ask(), Is.True);
    }

    [Test]
    public void Refusal_ThatEndsBetterAlone_TurnsItOffForADay()
    {
        _server.Ask();
        var refused = Refused(SmtpPhase.Mail, No);
        Assert.That((_server.Doubts(refused), _server.Ask()), Is.EqualTo((true, (bool?)null)));

        _server.Compare(refused, Final(Ok, behind: false));
        Assert.That((_server.Ask(), _told.Single()), Is.EqualTo(((bool?)null, PipeliningStop.Refuses)));

        _clock.Advance(ServerPipelining.OffFor);
        Assert.That((_server.Off is null, _server.Ask()), Is.EqualTo((true, (bool?)false)), "to be proven anew");
    }

    [Test]
    public void Refusal_ThatIsTheSameAlone_ChangesNothing()
    {
        Prove();
        var refused = Refused(SmtpPhase.Mail, No);
        Assert.That(_server.Doubts(refused), Is.True, "even now, since it may have begun to");

        _server.Compare(refused, Refused(SmtpPhase.Mail, No, ahead: false));

        Assert.That(_server.Ask(), Is.True);
        Assert.That(_told, Is.Empty);
    }

    [Test]
    public void Doubts_OnceProven_OnlyAboutASenderRefusedForGoodAndRepliesOutOfTurn()
    {
        Prove();

        Assert.That(_server.Doubts(Final(SmtpReply.Of(550, "no"), behind: true)), Is.False);
        Assert.That(_server.Doubts(Refused(SmtpPhase.Mail, SmtpReply.Of(450, "later"))), Is.False);
        Assert.That(_server.Doubts(Refused(SmtpPhase.Data, SmtpReply.Of(554, "no"))), Is.False);
        Assert.That(_server.Doubts(Refused(SmtpPhase.Data, Ok)), Is.True);
    }

    [TestCase(false, 1)]
    [TestCase(true, 2)]
    public void Deaths_AtTheDotWhileOthersLive_TurnItOff(bool proven, int enough)
    {
        if (proven)
            Prove();
        for (var i = 1; i <= enough; i++)
        {
            Assert.That(_server.Off, Is.Null);
            _server.Learn(Final(null, behind: true));
            Assert.That(_server.Ask(), Is.Null, "first a mail goes alone");
            _server.Learn(Final(Ok, behind: false));
        }

        Assert.That(_told, Is.EqualTo(new[] { PipeliningStop.HangsUp }));
        Assert.That(_server.Off!.Value.Until, Is.EqualTo(_clock.GetUtcNow() + ServerPipelining.OffFor));
    }

    [Test]
    public void Deaths_OfManyAtOnce_AreOneRestart()
    {
        Prove();
        for (var connection = 0; connection < 8; connection++)
            _server.Learn(Final(null, behind: true));
        _server.Learn(Final(Ok, behind: false));
        _server.Learn(Final(Ok, behind: true));
        _server.Learn(Final(null, behind: true));
        _server.Learn(Final(Ok, behind: false));

        Assert.That((_server.Ask(), _told.Count), Is.EqualTo(((bool?)true, 0)));
    }

    [Test]
    public void Deaths_OfMailThatGoesAloneToo_SayNothing()
    {
        _server.Learn(Final(null, behind: true));
        _server.Learn(Final(null, behind: false));
        _server.Learn(Final(Ok, behind: false));

        Assert.That((_server.Ask(), _told.Count), Is.EqualTo(((bool?)false, 0)));
    }

    private void Prove() => _server.Learn(new(1) { WasAhead = true, Phase = SmtpPhase.Body });

    private static TransactionResult Final(SmtpReply? ending, bool behind, double took = 0) =>
        new(1)
        {
            Phase = SmtpPhase.Final,
            End = ending is null ? TransactionEnd.Lost : TransactionEnd.Answered,
            Ending = ending,
            HadNextBehind = behind,
            FinalTook = TimeSpan.FromSeconds(took),
        };

    private static TransactionResult Refused(SmtpPhase phase, SmtpReply ending, bool ahead = true) =>
        new(1)
        {
            WasAhead = ahead,
            Phase = phase,
            Ending = ending,
            SenderAnswered = true,
        };
}
