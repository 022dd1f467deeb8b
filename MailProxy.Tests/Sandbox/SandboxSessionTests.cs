using System.Text;
using MailProxy.Daemon.Sandbox;
using NUnit.Framework;

namespace MailProxy.Tests.Sandbox;

[TestFixture]
internal sealed class SandboxSessionTests
{
    private const string Ehlo = "EHLO me",
        From = "MAIL FROM:<a@x.test>",
        To = "RCPT TO:<b@y.test>";

    [Test]
    public void Handle_Ehlo_OffersWhatIsBuilt() =>
        Assert.That(
            Ask(Ehlo).Split("\r\n"),
            Is.EqualTo(
                new[]
                {
                    "250-sandbox.mailproxy",
                    "250-PIPELINING",
                    "250-SIZE 1000",
                    "250-8BITMIME",
                    "250-SMTPUTF8",
                    "250-DSN",
                    "250 ENHANCEDSTATUSCODES",
                }
            )
        );

    [TestCase("250 2.1.0", Ehlo, From)]
    [TestCase("250 2.1.0", Ehlo, "mail from:<a@x.test>  ")]
    [TestCase("250 2.1.0", Ehlo, "MAIL FROM:<>")]
    [TestCase("250 2.1.0", Ehlo, "MAIL FROM:<a@x.test> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=abc")]
    [TestCase("250 2.1.0", "HELO me", From)]
    [TestCase("250 2.1.0", Ehlo, From, "RSET", From)]
    [TestCase("250 2.1.0", Ehlo, From, Ehlo, From)]
    [TestCase("250 2.1.5", Ehlo, From, To)]
    [TestCase("250 2.1.5", Ehlo, From, "RCPT TO:<b@y.test> NOTIFY=NEVER ORCPT=rfc822;b@y.test")]
    [TestCase("250 2.1.5", Ehlo, "MAIL FROM:<a@x.test> SMTPUTF8", "RCPT TO:<jörg@y.test>")]
    [TestCase("354", Ehlo, From, To, "DATA")]
    [TestCase("354", Ehlo, From, "RCPT TO:<perm@y.test>", To, "DATA")]
    [TestCase("250 2.0.0", "NOOP")]
    [TestCase("250 2.0.0", "NOOP anything")]
    [TestCase("250 2.0.0", "RSET")]
    [TestCase("252 2.1.5", "VRFY a")]
    [TestCase("214 2.0.0", "HELP")]
    [TestCase("221 2.0.0", "QUIT")]
    [TestCase("503 5.5.1", From)]
    [TestCase("503 5.5.1", Ehlo, To)]
    [TestCase("503 5.5.1", Ehlo, "DATA")]
    [TestCase("503 5.5.1", Ehlo, From, From)]
    [TestCase("503 5.5.1", Ehlo, From, To, "RSET", "DATA")]
    [TestCase("554 5.5.1", Ehlo, From, "DATA")]
    [TestCase("554 5.5.1", Ehlo, From, "RCPT TO:<perm@y.test>", "DATA")]
    [TestCase("501 5.5.4", "EHLO")]
    [TestCase("501 5.5.4", "VRFY")]
    [TestCase("501 5.5.4", "RSET now")]
    [TestCase("501 5.5.4", "QUIT now")]
    [TestCase("501 5.5.4", Ehlo, "MAIL")]
    [TestCase("501 5.5.4", Ehlo, "MAIL FROM:")]
    [TestCase("501 5.5.4", Ehlo, "MAIL FROM:a@x.test")]
    [TestCase("501 5.5.4", Ehlo, "MAIL FROM: <a@x.test>")]
    [TestCase("501 5.5.4", Ehlo, "MAIL FROM:<a@x.test")]
    [TestCase("501 5.5.4", Ehlo, "MAIL FROM:<a@x.test>SIZE=1")]
    [TestCase("501 5.5.4", Ehlo, "MAIL TO:<a@x.test>")]
    [TestCase("501 5.5.4", Ehlo, "MAIL FROM:<a@x.test> SIZE=much")]
    [TestCase("501 5.5.4", Ehlo, "MAIL FROM:<a@x.test> BODY=BINARYMIME")]
    [TestCase("501 5.5.4", Ehlo, From, To, "DATA now")]
    [TestCase("501 5.1.7", Ehlo, "MAIL FROM:<a>")]
    [TestCase("501 5.1.3", Ehlo, From, "RCPT TO:<>")]
    [TestCase("550 5.6.7", Ehlo, "MAIL FROM:<ä@x.test>")]
    [TestCase("553 5.6.7", Ehlo, From, "RCPT TO:<ä@x.test>")]
    [TestCase("552 5.3.4", Ehlo, "MAIL FROM:<a@x.test> SIZE=1001")]
    [TestCase("555 5.5.4", Ehlo, "MAIL FROM:<a@x.test> AUTH=<>")]
    [TestCase("555 5.5.4", Ehlo, From, "RCPT TO:<b@y.test> SIZE=1")]
    [TestCase("555 5.5.4", "HELO me", "MAIL FROM:<a@x.test> SIZE=1")]
    [TestCase("502 5.5.1", "STARTTLS")]
    [TestCase("502 5.5.1", "AUTH PLAIN AGEAYg==")]
    [TestCase("500 5.5.1", "")]
    [TestCase("500 5.5.1", "GET / HTTP/1.1")]
    [TestCase("500 5.5.1", "MAILFROM:<a@x.test>")]
    public void Handle_Conversation_LastReply(string reply, params string[] lines) => Assert.That(Ask(lines), Does.StartWith(reply + " "));

    [Test]
    public void Handle_TwentyMistakes_SentAway()
    {
        var session = Session();
        for (var i = 0; i < 19; i++)
            Assert.That(session.Handle("NONSENSE"u8).Then, Is.EqualTo(SandboxStep.NextCommand));
        var last = session.Handle("NONSENSE"u8);
        Assert.That(last.ToString(), Does.StartWith("421 4.7.0"));
        Assert.That(last.Then, Is.EqualTo(SandboxStep.Close));
    }

    [Test]
    public void Handle_ThousandRecipients_OneMoreIsTooMany()
    {
        var session = Session();
        session.Handle("EHLO me"u8);
        session.Handle("MAIL FROM:<>"u8);
        for (var i = 0; i < 1000; i++)
            session.Handle(Encoding.UTF8.GetBytes($"RCPT TO:<r{i}@y.test>"));
        Assert.That(session.Handle("RCPT TO:<one@y.test>"u8).ToString(), Does.StartWith("452 4.5.3"));
        Assert.That(session.Recipients, Has.Count.EqualTo(1000));
    }

    [Test]
    public void EndOfData_BareLineFeed_Refused()
    {
        using var data = new DataDecoder(1000);
        data.Read("a\nb\r\n.\r\n"u8, out _);
        var (reply, keep) = Session().EndOfData(data);
        Assert.That(reply.ToString(), Does.StartWith("554 5.6.0"));
        Assert.That(keep, Is.False);
    }

    [Test]
    public void EndOfData_TooLarge_Refused()
    {
        using var data = new DataDecoder(1);
        data.Read("ab\r\n.\r\n"u8, out _);
        var (reply, keep) = Session().EndOfData(data);
        Assert.That(reply.ToString(), Does.StartWith("552 5.3.4"));
        Assert.That(keep, Is.False);
    }

    private static SandboxSession Session() => new(1000, new AttemptCounter());

    private static string Ask(params string[] lines)
    {
        var session = Session();
        var reply = SandboxSession.Greeting;
        foreach (var line in lines)
            reply = session.Handle(Encoding.UTF8.GetBytes(line));
        return reply.ToString();
    }
}
