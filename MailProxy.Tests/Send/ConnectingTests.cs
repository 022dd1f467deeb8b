using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>A server that does not greet: what people are told meanwhile, and that a stop does not wait for it.</summary>
internal sealed class ConnectingTests
{
    [Test]
    public async Task Stop_WhileTheServerDoesNotGreet_LetsTheMailGoAtOnce()
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "CONNECT" ? new Said("", SaidThen.Hang) : null);
        await using var rig = new SendRig(Sample.Account(server.Port) with { MaxConnections = 1 });
        await rig.PutAsync(1);
        await rig.PutAsync(2);
        await server.Seen("CONNECT");

        await rig.StopAsync();

        Assert.That(
            (await rig.OutcomeAsync(1), await rig.OutcomeAsync(2)),
            Is.EqualTo((new Outcome.Dropped(Sample.Ticket(1)), new Outcome.Dropped(Sample.Ticket(2))))
        );
    }

    [Test]
    public async Task Connecting_WhileTheServerDoesNotGreet_IsToldWithHostAndHint()
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "CONNECT" ? new Said("", SaidThen.Hang) : null);
        await using var rig = new SendRig(Sample.Account(server.Port));
        await rig.PutAsync(1);
        await server.Seen("CONNECT");

        Assert.That(rig.Pool.ConnectingOf(rig.Account.Key)!.ToString(), Does.StartWith($"connecting to 127.0.0.1:{server.Port} since 20"));
        await rig.StopAsync();
        await rig.OutcomeAsync(1);
        Assert.That(rig.Pool.ConnectingOf(rig.Account.Key), Is.Null);
    }

    [TestCase(465, SmtpSecurity.StartTls, SmtpPhase.Greeting, "Port 465 speaks TLS at once: set security to \"tls\"")]
    [TestCase(465, SmtpSecurity.None, SmtpPhase.Greeting, "Port 465 speaks TLS at once: set security to \"tls\"")]
    [TestCase(587, SmtpSecurity.Tls, SmtpPhase.Handshake, "Port 587 begins without TLS: set security to \"starttls\"")]
    [TestCase(2525, SmtpSecurity.Tls, SmtpPhase.Handshake, "set security to \"starttls\"")]
    [TestCase(2525, SmtpSecurity.StartTls, SmtpPhase.Greeting, "set security to \"tls\"")]
    public void Hint_OfPortAndSecurity_NamesTheRemedy(int port, SmtpSecurity security, SmtpPhase phase, string hint) =>
        Assert.That(
            new ServerName("mail.example", port, security).TookTooLong(phase),
            Does.StartWith($"The server mail.example:{port} took too long").And.Contain(hint)
        );

    [TestCase(465, SmtpSecurity.Tls, SmtpPhase.Handshake)]
    [TestCase(587, SmtpSecurity.StartTls, SmtpPhase.Hello)]
    [TestCase(587, SmtpSecurity.StartTls, SmtpPhase.Connect)]
    public void Hint_NothingComesToMind_SaysNothing(int port, SmtpSecurity security, SmtpPhase phase) =>
        Assert.That(new ServerName("mail.example", port, security).Hint(phase), Is.Empty);
}
