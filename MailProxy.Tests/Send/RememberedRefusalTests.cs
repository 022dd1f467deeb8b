using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>A reply once read counts, whatever the connection does next (RFC 5321 sections 4.2.1 and 4.3.2); and what nobody asked for
/// is nobody's answer.</summary>
[TestFixture(true)]
[TestFixture(false)]
internal sealed class RememberedRefusalTests(bool pipelining)
{
    private static readonly string[] Two = ["x@y.example", "z@y.example"];

    [TestCase("MAIL", "550 5.7.1 no", SaidThen.Close, Verdict.Refused)]
    [TestCase("MAIL", "550 5.7.1 no", SaidThen.Reset, Verdict.Refused)]
    [TestCase("MAIL", "501 5.1.7 bad sender", SaidThen.Close, Verdict.Refused)]
    [TestCase("MAIL", "450 4.1.8 later", SaidThen.Close, Verdict.Deferred)]
    [TestCase("RCPT", "550 5.1.1 no such user", SaidThen.Close, Verdict.Refused)]
    [TestCase("RCPT", "450 4.2.1 later", SaidThen.Close, Verdict.Deferred)]
    [TestCase("RCPT", "451 4.7.1 greylisted", SaidThen.Reset, Verdict.Deferred)]
    [TestCase("DATA", "554 5.5.1 no", SaidThen.Close, Verdict.Refused)]
    [TestCase("DATA", "451 4.3.0 later", SaidThen.Reset, Verdict.Deferred)]
    [TestCase("DOT", "554 5.7.1 spam", SaidThen.Close, Verdict.Refused)]
    [TestCase("DOT", "451 4.3.0 later", SaidThen.Reset, Verdict.Deferred)]
    [TestCase("DOT", "250 2.0.0 taken", SaidThen.Close, Verdict.Accepted)]
    [TestCase("DOT", "250 2.0.0 taken", SaidThen.Reset, Verdict.Accepted)]
    public async Task Reply_ThenTheServerGoes_Counts(string verb, string reply, SaidThen then, Verdict expected)
    {
        await using var server = Server(heard => heard.Verb == verb && heard.Connection == 1 ? new Said(reply + "\r\n", then) : null);
        await using var rig = new SendRig(Sample.Account(server.Port) with { MaxConnections = 1 });

        var outcome = (Outcome.Attempted)await rig.SendAsync(1);
        var next = (Outcome.Attempted)await rig.SendAsync(2);

        Assert.That((outcome.Verdicts.Single().Verdict, outcome.Trouble), Is.EqualTo((expected, (AccountTrouble?)null)));
        Assert.That(outcome.Verdicts.Single().SmtpCode, Is.EqualTo(int.Parse(reply[..3])));
        Assert.That(next.Verdicts.Single().Verdict, Is.EqualTo(Verdict.Accepted), "the pipeline goes on");
    }

    [TestCase("550-5.1.1 half\r\n", Verdict.Refused)]
    [TestCase("450-half\r\n450-more\r\n", Verdict.Deferred)]
    [TestCase("550 5.1.1 no line end", Verdict.Refused)]
    [TestCase("550-", Verdict.Refused)]
    [TestCase("550-one\r\n450 another\r\n", Verdict.Deferred)]
    public async Task Refusal_ThatIsCutOff_CountsSinceItsCodeIsKnown(string wire, Verdict expected)
    {
        await using var server = Server(heard => heard.Verb == "RCPT" && heard.Connection == 1 ? new Said(wire, SaidThen.Close) : null);
        await using var rig = new SendRig(Sample.Account(server.Port));

        var outcome = (Outcome.Attempted)await rig.SendAsync(1);

        Assert.That((outcome.Verdicts.Single().Verdict, outcome.Trouble), Is.EqualTo((expected, (AccountTrouble?)null)));
    }

    [TestCase("250-half\r\n")]
    [TestCase("250 no line end")]
    [TestCase("25")]
    [TestCase("250-ok\r\n550 no\r\n")]
    [TestCase("550-no\r\n250 ok\r\n")]
    [TestCase("5501 no\r\n")]
    public async Task ReplyToTheDot_ThatIsNoWholeYesAndNoNo_IsInDoubt(string wire)
    {
        await using var server = Server(heard => heard.Verb == "DOT" ? new Said(wire, SaidThen.Close) : null);
        await using var rig = new SendRig(Sample.Account(server.Port));

        Assert.That(((Outcome.Attempted)await rig.SendAsync(1)).Verdicts.Single().Verdict, Is.EqualTo(Verdict.InDoubt));
    }

    [TestCase("421 4.3.2 closing")]
    [TestCase("454 4.7.0 not now")]
    [TestCase("530 5.7.0 log in")]
    public async Task FirstRefused_SecondBlamesTheAccount_TheFirstKeepsItsVerdictAndTheOtherLosesNothing(string reply)
    {
        var asked = 0;
        await using var server = Server(heard =>
            heard.Verb != "RCPT" ? null
            : ++asked == 1 ? "550 5.1.1 who"
            : new Said(reply + "\r\n", SaidThen.Close)
        );
        await using var rig = new SendRig(Sample.Account(server.Port));

        var outcome = (Outcome.Attempted)await rig.SendAsync(1, Sample.Content(recipients: Two));

        Assert.That(outcome.Verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { Verdict.Refused, Verdict.NotTried }));
        Assert.That(outcome.Trouble!.SmtpCode, Is.EqualTo(int.Parse(reply[..3])));
    }

    [TestCase("550 5.1.1 who", Verdict.Refused)]
    [TestCase("450 4.2.1 later", Verdict.Deferred)]
    public async Task FirstRefused_ThenTheServerGoes_TheOtherGoesAtOnceAndNobodyIsBlamed(string reply, Verdict expected)
    {
        await using var server = Server(heard =>
            heard.Verb == "RCPT" && heard.Connection == 1 ? new Said(reply + "\r\n", SaidThen.Close) : null
        );
        await using var rig = new SendRig(Sample.Account(server.Port));

        var outcome = (Outcome.Attempted)await rig.SendAsync(1, Sample.Content(recipients: Two));

        Assert.That(outcome.Verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { expected, Verdict.NotTried }));
        Assert.That(outcome.Trouble, Is.Null);
    }

    [TestCase("DATA", "421 4.3.2 closing")]
    [TestCase("DOT", "421 4.3.2 closing")]
    [TestCase("DOT", "535 5.7.8 no")]
    public async Task SomeRefused_ThenTheBodyBlamesTheAccount_OnlyTheAcceptedGoAgain(string verb, string reply)
    {
        var asked = 0;
        await using var server = Server(heard =>
            heard.Verb == "RCPT" && ++asked == 1 ? "550 5.1.1 who"
            : heard.Verb == verb ? reply
            : null
        );
        await using var rig = new SendRig(Sample.Account(server.Port));

        var outcome = (Outcome.Attempted)await rig.SendAsync(1, Sample.Content(recipients: Two));

        Assert.That(outcome.Verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { Verdict.Refused, Verdict.NotTried }));
        Assert.That(outcome.Trouble, Is.Not.Null);
    }

    [Test]
    public async Task NobodySettled_TheServerGoes_BlamesTheAccountAndNamesTheHost()
    {
        await using var server = Server(heard => heard.Verb == "RCPT" ? new Said("", SaidThen.Close) : null);
        await using var rig = new SendRig(Sample.Account(server.Port));

        var outcome = (Outcome.AccountToBlame)await rig.SendAsync(1, Sample.Content(recipients: Two));

        Assert.That(outcome.Trouble.Reply, Does.Contain($"127.0.0.1:{server.Port}"));
    }

    [TestCase("421 4.4.2 session limit", SaidThen.Close)]
    [TestCase("550 5.7.1 stray", SaidThen.Listen)]
    [TestCase("250 stray", SaidThen.Listen)]
    [TestCase("junk", SaidThen.Listen)]
    public async Task Unread_AfterTheLastReply_TheConnectionIsNeverHandedOn(string stray, SaidThen then)
    {
        await using var server = Server(heard => heard.Verb == "DOT" ? new Said($"250 2.0.0 ok\r\n{stray}\r\n", then) : null);
        await using var rig = new SendRig(Sample.Account(server.Port) with { MaxConnections = 1 });

        for (var id = 1; id <= 20; id++)
            await rig.PutAsync(id);
        for (var id = 1; id <= 20; id++)
        {
            var outcome = await rig.OutcomeAsync(id);
            Assert.That((outcome as Outcome.Attempted)?.Verdicts.Single().Verdict, Is.EqualTo(Verdict.Accepted), outcome.ToString());
        }

        Assert.That(server.Connections, Is.EqualTo(20));
    }

    [TestCase("MAIL")]
    [TestCase("RSET")]
    public async Task FirstReplyOnAReusedConnectionIs421_TheMailGoesOverANewOne(string verb)
    {
        var mails = 0;
        await using var server = Server(heard =>
            heard switch
            {
                { Verb: "MAIL" } when verb == "RSET" && ++mails == 1 => "450 4.1.8 so that the next begins with RSET",
                { Connection: 1 } when heard.Verb == verb && heard.Verb == "RSET" => new Said("421 4.4.2 idle\r\n", SaidThen.Close),
                { Verb: "MAIL", Connection: 1 } when verb == "MAIL" && ++mails == 2 => new Said("421 4.4.2 idle\r\n", SaidThen.Close),
                _ => null,
            }
        );
        await using var rig = new SendRig(Sample.Account(server.Port) with { MaxConnections = 1 });

        await rig.SendAsync(1);
        var outcome = (Outcome.Attempted)await rig.SendAsync(2);

        Assert.That(
            (outcome.Verdicts.Single().Verdict, outcome.Trouble, server.Connections),
            Is.EqualTo((Verdict.Accepted, (AccountTrouble?)null, 2))
        );
    }

    [Test]
    public async Task FourTwentyOneOnTheNewConnectionToo_IsTheAccounts()
    {
        var mails = 0;
        await using var server = Server(heard =>
            heard.Verb == "MAIL" && ++mails > 1 ? new Said("421 4.7.0 busy\r\n", SaidThen.Close) : null
        );
        await using var rig = new SendRig(Sample.Account(server.Port) with { MaxConnections = 1 });

        await rig.SendAsync(1);

        Assert.That(((Outcome.AccountToBlame)await rig.SendAsync(2)).Trouble.SmtpCode, Is.EqualTo(421));
    }

    [TestCase("552 5.3.4 too big\r\n", Verdict.Refused)]
    [TestCase("452 4.3.1 disk full\r\n", Verdict.Deferred)]
    public async Task RefusedInTheMiddleOfTheBody_ThenTheServerGoes_IsTheAcceptedOnes(string early, Verdict expected)
    {
        // 354 and the refusal in one: the client has read the latter before it could send the dot.
        await using var server = Server(heard => heard.Verb == "DATA" ? new Said("354 go\r\n" + early) : null);
        await using var rig = new SendRig(Sample.Account(server.Port));

        var outcome = (Outcome.Attempted)await rig.SendAsync(1);

        Assert.That((outcome.Verdicts.Single().Verdict, outcome.Verdicts.Single().SmtpCode), Is.EqualTo((expected, int.Parse(early[..3]))));
        Assert.That(server.Mails, Is.Empty);
    }

    [Test]
    public async Task LimitOfRecipients_WithoutEnhancedCode_TheRestGoInTheNextTransaction()
    {
        var accepted = 0;
        await using var server = Server(heard =>
            heard switch
            {
                { Verb: "MAIL" } => Reset(),
                { Verb: "RCPT" } when accepted++ > 0 => "452 Too many recipients",
                _ => null,
            }
        );
        Said? Reset()
        {
            accepted = 0;
            return null;
        }

        await using var rig = new SendRig(Sample.Account(server.Port));

        var outcome = (Outcome.Attempted)
            await rig.SendAsync(1, Sample.Content(recipients: [.. Enumerable.Range(0, 5).Select(i => $"r{i}@y.example")]));

        Assert.That(
            outcome.Verdicts.Select(v => v.Verdict),
            Is.EqualTo(new[] { Verdict.Accepted, Verdict.NotTried, Verdict.NotTried, Verdict.NotTried, Verdict.NotTried })
        );
    }

    private ScriptedSmtpServer Server(Func<Heard, Said?> say) =>
        new(heard => say(heard) ?? (heard.Verb == "EHLO" && !pipelining ? "250-odd\r\n250 8BITMIME" : null));
}
