using System.Net;
using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Servers that are odd and within the RFCs (mail goes through), and those that lie or never end (they are told as what they
/// are, in bounded time and memory).</summary>
internal sealed class OddServerTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    [TestCase("CONNECT", "220-odd\r\n220-server\r\n220 ready\r\n")]
    [TestCase("CONNECT", "220\r\n")]
    [TestCase("CONNECT", "220 bare line feed\n")]
    [TestCase("EHLO", "250\r\n")]
    [TestCase("EHLO", "250-odd\r\n250-pipelining\r\n250 8bitmime\r\n")]
    [TestCase("EHLO", "250-odd\n250-PIPELINING \n250 8BITMIME\t\n")]
    [TestCase("EHLO", "250-odd\r\n250-\r\n250 \r\n")]
    [TestCase("MAIL", "250-2.1.0 a\r\n250-2.1.0 b\r\n250 2.1.0 c\r\n")]
    [TestCase("MAIL", "250\r\n")]
    [TestCase("MAIL", "250 ok\n")]
    [TestCase("MAIL", "299 a yes of its own\r\n")]
    [TestCase("RCPT", "250-2.1.5 a\r\n250 2.1.5 b\r\n")]
    [TestCase("RCPT", "251 will forward\r\n")]
    [TestCase("RCPT", "252 cannot verify\r\n")]
    [TestCase("RCPT", "253 pending\r\n")]
    [TestCase("DATA", "354\r\n")]
    [TestCase("DATA", "354-go\r\n354 on\r\n")]
    [TestCase("DOT", "250\r\n")]
    [TestCase("DOT", "250-2.0.0 taken\r\n250 2.0.0 as 1\r\n")]
    [TestCase("DOT", "200 taken\r\n")]
    [TestCase("DOT", "250 taken\n")]
    [TestCase("QUIT", "")]
    public async Task Server_OddButWithinTheRules_TakesTheMail(string verb, string wire)
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == verb ? new Said(wire, verb == "QUIT" ? SaidThen.Close : SaidThen.Listen) : null
        );
        await using var rig = new SendRig(Sample.Account(server.Port));

        for (var id = 1; id <= 2; id++)
        {
            Assert.That(((Outcome.Attempted)await rig.SendAsync(id)).Verdicts.Single().Verdict, Is.EqualTo(Verdict.Accepted));
        }

        Assert.That(server.Connections, Is.EqualTo(1));
    }

    [TestCase(SmtpSecurity.None)]
    [TestCase(SmtpSecurity.StartTlsWhenAvailable)]
    public async Task Server_KnowsHeloOnly_TakesTheMailInTheClear(SmtpSecurity security)
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "EHLO" ? "502 5.5.1 what" : null);
        await using var rig = new SendRig(Sample.Account(server.Port, security));

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Attempted>());
        Assert.That(server.Lines, Has.Some.StartsWith("HELO "));
    }

    [TestCase("STARTTLS ")]
    [TestCase("starttls\t")]
    public async Task StartTls_WithABlankAtItsEnd_IsTaken(string keyword)
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == "EHLO" ? $"250-odd\r\n250-AUTH PLAIN\r\n250 {keyword}" : null
        );

        await using var connection = await OpenAsync(Trusting(server, SmtpSecurity.StartTlsWhenAvailable));

        Assert.That(connection.Protected, Is.True);
        Assert.That(
            server.Lines.Count(line => line.StartsWith("STARTTLS", StringComparison.Ordinal)),
            Is.EqualTo(1),
            "that it is on offer again under TLS changes nothing"
        );
        Assert.That(server.Lines.Count(line => line.StartsWith("EHLO", StringComparison.Ordinal)), Is.EqualTo(2));
    }

    [Test]
    public async Task StartTls_WhatWasOfferedInTheClear_CountsNoMore()
    {
        var hellos = 0;
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb != "EHLO" ? null
            : ++hellos == 1 ? "250-odd\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 STARTTLS"
            : "250-odd\r\n250 AUTH LOGIN"
        );

        await using var connection = await OpenAsync(Trusting(server, SmtpSecurity.StartTls) with { User = "u", Password = "p" });

        Assert.That(connection.Offers.Names, Is.EqualTo(new[] { "AUTH" }));
        Assert.That(server.Lines, Has.Some.EqualTo("AUTH LOGIN"));
    }

    [Test]
    public async Task StartTls_WordsInjectedBehindTheYes_AreRefused()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => "250-odd\r\n250 STARTTLS",
                "STARTTLS" => new Said("220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n"),
                _ => null,
            }
        );

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() => OpenAsync(Trusting(server, SmtpSecurity.StartTls)))!;

        Assert.That((failure.Phase, failure.Tls), Is.EqualTo((SmtpPhase.StartTls, (string?)null)));
    }

    [TestCase(SmtpSecurity.Tls)]
    [TestCase(SmtpSecurity.StartTls)]
    public async Task Tls_ManyMails_GoOverOneConnection(SmtpSecurity security)
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "EHLO" ? "250-odd\r\n250-PIPELINING\r\n250 STARTTLS" : null)
        {
            ImplicitTls = security == SmtpSecurity.Tls,
        };
        await using var rig = new SendRig(Trusting(server, security) with { MaxConnections = 1 });

        for (var id = 1; id <= 10; id++)
            Assert.That(await rig.SendAsync(id), Is.TypeOf<Outcome.Attempted>());

        Assert.That(server.Connections, Is.EqualTo(1), "session tickets and the like are no words of the server");
    }

    [Test]
    public async Task Tls_ToAServerThatSpeaksInTheClear_SaysSoWithARemedy()
    {
        await using var server = new ScriptedSmtpServer();

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() => OpenAsync(Trusting(server, SmtpSecurity.Tls)))!;

        Assert.That(failure.Message, Does.Contain("does not speak TLS").And.Contain("starttls").And.Contain($"127.0.0.1:{server.Port}"));
        Assert.That(SmtpVerdict.Trouble(new(7), failure).Kind, Is.EqualTo(TroubleKind.Tls));
    }

    [TestCase("CONNECT", "220 ", "A")]
    [TestCase("CONNECT", "", "220-x\r\n")]
    [TestCase("EHLO", "", "250-x\r\n")]
    [TestCase("AUTH", "334 ", "A")]
    [TestCase("STARTTLS", "", "220-x\r\n")]
    public async Task Server_ThatNeverEndsAReply_IsCutOffSoon(string verb, string begin, string again)
    {
        // Ends by itself long after the bound, so that a client without one is found out by what it took.
        var flood = new StringBuilder(begin).Insert(begin.Length, again, 40 * ReplyLines.MostOctets / again.Length).ToString();
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb == verb ? new Said(flood, SaidThen.Hang)
            : heard.Verb == "EHLO" ? "250-odd\r\n250-STARTTLS\r\n250 AUTH PLAIN"
            : null
        );
        var security = verb == "STARTTLS" ? SmtpSecurity.StartTls : SmtpSecurity.None;

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() =>
            OpenAsync(Trusting(server, security) with { User = "u", Password = "p" })
        )!;

        Assert.That((failure.TimedOut, failure.Reply), Is.EqualTo((false, (SmtpReply?)null)));
        Assert.That(failure.Message, Does.Contain("128 KB"));
    }

    [Test]
    public async Task Message_LargerThanTheServerTakes_FailsBeforeItIsOffered()
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "EHLO" ? "250-odd\r\n250 SIZE 100" : null);
        await using var rig = new SendRig(Sample.Account(server.Port));

        Assert.That(((Outcome.Unsendable)await rig.SendAsync()).EnhancedCode, Is.EqualTo("5.3.4"));
        Assert.That(server.Lines, Has.None.StartsWith("MAIL"));
    }

    [TestCase("CONNECT", "220 hi\r\n421 4.3.2 full\r\n")]
    [TestCase("EHLO", "250 odd\r\n421 4.3.2 full\r\n")]
    public async Task FarewellBehindAReply_IsTheServersReason(string verb, string wire)
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == verb ? new Said(wire, SaidThen.Close) : null);

        Assert.That(Assert.ThrowsAsync<SmtpOpenException>(() => OpenAsync(Sample.Account(server.Port)))!.Reply!.Code, Is.EqualTo(421));
    }

    [TestCase("DATA", "250 what")]
    [TestCase("DATA", "300 more")]
    [TestCase("MAIL", "354 go")]
    [TestCase("RCPT", "354 go")]
    [TestCase("MAIL", "503 5.5.1 order")]
    public async Task ReplyOutOfTurn_IsTheAccountsAndTheConnectionIsDone(string verb, string reply)
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == verb && heard.Connection == 1 ? reply : null);
        await using var rig = new SendRig(Sample.Account(server.Port));

        Assert.That(((Outcome.AccountToBlame)await rig.SendAsync(1)).Trouble.Kind, Is.EqualTo(TroubleKind.Protocol));
        Assert.That(await rig.SendAsync(2), Is.TypeOf<Outcome.Attempted>());
        Assert.That(server.Connections, Is.EqualTo(2));
    }

    private static SmtpAccount Trusting(ScriptedSmtpServer server, SmtpSecurity security) =>
        Sample.Account(server.Port, security) with
        {
            VerifyCertificate = false,
        };

    private static Task<SmtpConnection> OpenAsync(SmtpAccount account) =>
        SmtpConnection
            .OpenAsync(account, new IPEndPoint(IPAddress.Loopback, account.Port), new(), TimeProvider.System, CancellationToken.None)
            .WaitAsync(Generous);
}
