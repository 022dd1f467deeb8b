using System.Net;
using System.Text;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Accounts;
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
        await using var server = new OddSmtpServer(
            heard => heard.Verb == verb ? new Said(wire, verb == "QUIT" ? SaidThen.Close : SaidThen.Listen) : null);
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
        await using var server = new OddSmtpServer(heard => heard.Verb == "EHLO" ? "502 5.5.1 what" : null);
        await using var rig = new SendRig(Sample.Account(server.Port, security));

        Assert.That(await rig.SendAsync(), Is.TypeOf<Outcome.Attempted>());
        Assert.That(server.Lines, Has.Some.StartsWith("HELO "));
    }

    [TestCase("STARTTLS ")]
    [TestCase("starttls\t")]
    public async Task StartTls_WithABlankAtItsEnd_IsTaken(string keyword)
    {
        await using var server = new OddSmtpServer(heard => heard.Verb == "EHLO" ? $"250-odd\r\n250-AUTH PLAIN\r\n250 {keyword}" : null);

        await using var connection = await OpenAsync(Trusting(server, SmtpSecurity.StartTlsWhenAvailable));

        Assert.That(connection.Protected, Is.True);
        Assert.That(
            server.Lines.Count(line => line.StartsWith("STARTTLS", StringComparison.Ordinal)),
            Is.EqualTo(1),
            "that it is on offer again under TLS changes nothing");
        Assert.That(server.Lines.Count(line => line.StartsWith("EHLO", StringComparison.Ordinal)), Is.EqualTo(2));
    }

    [Test]
    public async Task StartTls_WhatWasOfferedInTheClear_CountsNoMore()
    {
        var hellos = 0;
        await using var server = new OddSmtpServer(
            heard => heard.Verb != "EHLO" ? null
                : ++hellos == 1 ? "250-odd\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 STARTTLS"
                : "250-odd\r\n250 AUTH LOGIN");

        await using var connection = await OpenAsync(Trusting(server, SmtpSecurity.StartTls) with { User = "u", Password = "p" });

        Assert.That(connection.Offers.Names, Is.EqualTo(new[] { "AUTH" }));
        Assert.That(server.Lines, Has.Some.EqualTo("AUTH LOGIN"));
    }

    [Test]
    public async Task StartTls_WordsInjectedBehindTheYes_AreRefused()
    {
        await using var server = new OddSmtpServer(heard => heard.Verb switch
        {
            "EHLO" => "250-odd\r\n250 STARTTLS",
            "STARTTLS" => new Said("220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n"),
            _ => null,
        });

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() => OpenAsync(Trusting(server, SmtpSecurity.StartTls)))!;

        Assert.That((failure.Phase, failure.Tls), Is.EqualTo((SmtpPhase.StartTls, (string?)null)));
    }

    [TestCase("AUTH PLAIN LOGIN", "535 5.7.8 bad", 535)]
    [TestCase("AUTH PLAIN LOGIN", "534-5.7.9 Application-specific password required\r\n534 5.7.9 see elsewhere", 534)]
    [TestCase("AUTH CRAM-MD5 PLAIN", "538 5.7.11 encrypt", 538)]
    [TestCase("AUTH PLAIN", "454 4.7.0 later", 454)]
    [TestCase("AUTH PLAIN LOGIN", "421 4.7.0 too many", 421)]
    [TestCase("AUTH PLAIN", "500 5.5.2 what", 500)]
    public async Task Login_Refused_ThenTheServerGoes_TellsTheRefusal(string offer, string reply, int code)
    {
        await using var server = new OddSmtpServer(heard => heard.Verb switch
        {
            "EHLO" => $"250-odd\r\n250 {offer}",
            "AUTH" => new Said(reply + "\r\n", SaidThen.Close),
            _ => null,
        });

        var failure = Assert.ThrowsAsync<SmtpOpenException>(
            () => OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" }))!;

        Assert.That(
            (failure.Phase, failure.Reply!.Code, failure.Message),
            Is.EqualTo((SmtpPhase.Authenticate, code, SmtpReply.Of(code, reply.Replace("\r\n534 ", " ")[4..]).Text)));
        Assert.That(SmtpVerdict.Trouble(new(7), failure).Kind, Is.EqualTo(code < 500 ? TroubleKind.Throttled : TroubleKind.Authentication));
    }

    [Test]
    public async Task Login_FirstWayRefused_TheNextIsTried()
    {
        await using var server = new OddSmtpServer(heard => heard switch
        {
            { Verb: "EHLO" } => "250-odd\r\n250 AUTH PLAIN LOGIN",
            { Verb: "AUTH", Line: "AUTH LOGIN" } => "334 VXNlcm5hbWU6",
            { Verb: "AUTH" } => "504 5.7.4 not this one",
            { Verb: "SASL", Line: "dQ==" } => "334",
            { Verb: "SASL", Line: "cA==" } => "235 2.7.0 ok",
            _ => null,
        });

        await using var connection = await OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" });

        Assert.That(connection.IsUsable, Is.True);
    }

    [TestCase("PLAIN", "334 ", "AHUAcA==")]
    [TestCase("LOGIN", "334 Username:", "dQ==")]
    public async Task Login_ChallengedInOddWords_Answers(string mechanism, string challenge, string answer)
    {
        var asked = 0;
        await using var server = new OddSmtpServer(heard => heard.Verb switch
        {
            "EHLO" => $"250-odd\r\n250 AUTH {mechanism}",
            "AUTH" => challenge,
            "SASL" when mechanism == "LOGIN" && ++asked == 1 => "334 Password:",
            _ => null,
        });

        await using var connection = await OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" });

        Assert.That(server.Lines, Does.Contain(answer));
    }

    [Test]
    public async Task Login_ByCramMd5_AnswersTheChallenge()
    {
        await using var server = new OddSmtpServer(heard => heard.Verb switch
        {
            "EHLO" => "250-odd\r\n250 AUTH CRAM-MD5",
            "AUTH" => "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
            _ => null,
        });

        await using var connection = await OpenAsync(Sample.Account(server.Port) with { User = "tim", Password = "tanstaaftanstaaf" });

        // The example of RFC 2195.
        Assert.That(server.Lines, Does.Contain("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"));
    }

    [TestCase("i=2147483647")]
    [TestCase("i=100001")]
    [TestCase("i=99999999999999999999999")]
    [TestCase("i=-1")]
    [TestCase("i=٣")]
    [TestCase("i=4096,i=3000000")]
    public async Task Login_ByScramThatAsksForTooMuch_ComputesNothing(string iterations)
    {
        await using var server = new OddSmtpServer(heard => heard.Verb switch
        {
            "EHLO" => "250-odd\r\n250 AUTH SCRAM-SHA-256",
            "AUTH" => $"334 {Base64($"r={Text(heard.Line.Split(' ')[2]).Split("r=")[1]}srv,s=QSXCR+Q6sek8bf92,{iterations}")}",
            _ => null,
        });

        var failure = Assert.ThrowsAsync<SmtpOpenException>(
            () => OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" }))!;

        Assert.That(failure.Message, Does.Contain("iterations"));
        Assert.That(server.Journal.Select(heard => heard.Verb), Does.Not.Contain("SASL"));
    }

    [Test]
    public async Task Login_ByScram_SaysItsProof()
    {
        await using var server = new OddSmtpServer(heard => heard.Verb switch
        {
            "EHLO" => "250-odd\r\n250 AUTH SCRAM-SHA-256",
            "AUTH" => $"334 {Base64($"r={Text(heard.Line.Split(' ')[2]).Split("r=")[1]}srv,s=QSXCR+Q6sek8bf92,i=4096")}",
            _ => null,
        });

        await using var connection = await OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" });

        Assert.That(Text(server.Journal.Single(heard => heard.Verb == "SASL").Line), Does.Contain(",p="));
    }

    [Test]
    public async Task Login_ThatNeverEnds_IsGivenUp()
    {
        await using var server = new OddSmtpServer(heard => heard.Verb switch
        {
            "EHLO" => "250-odd\r\n250 AUTH PLAIN",
            "AUTH" or "SASL" => "334 again",
            _ => null,
        });

        Assert.ThrowsAsync<SmtpOpenException>(() => OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" }));
    }

    [TestCase("250-odd\r\n250 AUTH XOAUTH2", "XOAUTH2")]
    [TestCase("250-odd\r\n250 STARTTLS", "starttls")]
    [TestCase("250 odd", "remove auth")]
    public async Task Login_NoWayInCommon_IsSaidPlainlyWithTheHostAndARemedy(string hello, string remedy)
    {
        await using var server = new OddSmtpServer(heard => heard.Verb == "EHLO" ? hello : null);

        var failure = Assert.ThrowsAsync<SmtpOpenException>(
            () => OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" }))!;

        Assert.That(failure.Message, Does.Contain($"127.0.0.1:{server.Port}").And.Contain(remedy));
        Assert.That(SmtpVerdict.Trouble(new(7), failure).Kind, Is.EqualTo(TroubleKind.Authentication));
    }

    [Test]
    public async Task Login_RefusedOverStartTls_TheProbeStillTellsTls()
    {
        await using var server = new OddSmtpServer(heard => heard.Verb switch
        {
            "EHLO" => "250-odd\r\n250-STARTTLS\r\n250 AUTH PLAIN",
            "AUTH" => "535 5.7.8 bad",
            _ => null,
        });

        var seen = await new SmtpProbe(new(), new(), TimeProvider.System)
            .TryAsync(Trusting(server, SmtpSecurity.StartTls) with { User = "u", Password = "p" }, CancellationToken.None).WaitAsync(Generous);

        Assert.That(seen.Tls, Does.StartWith("TLS 1."));
        Assert.That(
            (seen.Extensions, seen.Authenticated, seen.Trouble!.SmtpCode), Is.EqualTo((new[] { "AUTH", "STARTTLS" }, false, (int?)535)));
    }

    [Test]
    public async Task Tls_ToAServerThatSpeaksInTheClear_SaysSoWithARemedy()
    {
        await using var server = new OddSmtpServer(_ => null);

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
        await using var server = new OddSmtpServer(heard => heard.Verb == verb
            ? new Said(flood, SaidThen.Hang)
            : heard.Verb == "EHLO" ? "250-odd\r\n250-STARTTLS\r\n250 AUTH PLAIN" : null);
        var security = verb == "STARTTLS" ? SmtpSecurity.StartTls : SmtpSecurity.None;

        var failure = Assert.ThrowsAsync<SmtpOpenException>(
            () => OpenAsync(Trusting(server, security) with { User = "u", Password = "p" }))!;

        Assert.That((failure.TimedOut, failure.Reply), Is.EqualTo((false, (SmtpReply?)null)));
        Assert.That(failure.Message, Does.Contain("128 KB"));
    }

    [Test]
    public async Task Message_LargerThanTheServerTakes_FailsBeforeItIsOffered()
    {
        await using var server = new OddSmtpServer(heard => heard.Verb == "EHLO" ? "250-odd\r\n250 SIZE 100" : null);
        await using var rig = new SendRig(Sample.Account(server.Port));

        Assert.That(((Outcome.Unsendable)await rig.SendAsync()).EnhancedCode, Is.EqualTo("5.3.4"));
        Assert.That(server.Lines, Has.None.StartsWith("MAIL"));
    }

    [TestCase("CONNECT", "220 hi\r\n421 4.3.2 full\r\n")]
    [TestCase("EHLO", "250 odd\r\n421 4.3.2 full\r\n")]
    public async Task FarewellBehindAReply_IsTheServersReason(string verb, string wire)
    {
        await using var server = new OddSmtpServer(heard => heard.Verb == verb ? new Said(wire, SaidThen.Close) : null);

        Assert.That(Assert.ThrowsAsync<SmtpOpenException>(() => OpenAsync(Sample.Account(server.Port)))!.Reply!.Code, Is.EqualTo(421));
    }

    [TestCase("DATA", "250 what")]
    [TestCase("DATA", "300 more")]
    [TestCase("MAIL", "354 go")]
    [TestCase("RCPT", "354 go")]
    [TestCase("MAIL", "503 5.5.1 order")]
    public async Task ReplyOutOfTurn_IsTheAccountsAndTheConnectionIsDone(string verb, string reply)
    {
        await using var server = new OddSmtpServer(heard => heard.Verb == verb && heard.Connection == 1 ? reply : null);
        await using var rig = new SendRig(Sample.Account(server.Port));

        Assert.That(((Outcome.AccountToBlame)await rig.SendAsync(1)).Trouble.Kind, Is.EqualTo(TroubleKind.Protocol));
        Assert.That(await rig.SendAsync(2), Is.TypeOf<Outcome.Attempted>());
        Assert.That(server.Connections, Is.EqualTo(2));
    }

    [Test]
    public async Task Stop_WhileTheServerDoesNotGreet_LetsTheMailGoAtOnce()
    {
        await using var server = new OddSmtpServer(heard => heard.Verb == "CONNECT" ? new Said("", SaidThen.Hang) : null);
        await using var rig = new SendRig(Sample.Account(server.Port) with { MaxConnections = 1 });
        await rig.PutAsync(1);
        await rig.PutAsync(2);
        await server.Heard("CONNECT");

        await rig.StopAsync();

        Assert.That(
            (await rig.OutcomeAsync(1), await rig.OutcomeAsync(2)),
            Is.EqualTo((new Outcome.Dropped(Sample.Ticket(1)), new Outcome.Dropped(Sample.Ticket(2)))));
    }

    [Test]
    public async Task Connecting_WhileTheServerDoesNotGreet_IsToldWithHostAndHint()
    {
        await using var server = new OddSmtpServer(heard => heard.Verb == "CONNECT" ? new Said("", SaidThen.Hang) : null);
        await using var rig = new SendRig(Sample.Account(server.Port));
        await rig.PutAsync(1);
        await server.Heard("CONNECT");

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
            Does.StartWith($"The server mail.example:{port} took too long").And.Contain(hint));

    [TestCase(465, SmtpSecurity.Tls, SmtpPhase.Handshake)]
    [TestCase(587, SmtpSecurity.StartTls, SmtpPhase.Hello)]
    [TestCase(587, SmtpSecurity.StartTls, SmtpPhase.Connect)]
    public void Hint_NothingComesToMind_SaysNothing(int port, SmtpSecurity security, SmtpPhase phase) =>
        Assert.That(new ServerName("mail.example", port, security).Hint(phase), Is.Empty);

    private static SmtpAccount Trusting(OddSmtpServer server, SmtpSecurity security) =>
        Sample.Account(server.Port, security) with { VerifyCertificate = false };

    private static Task<SmtpConnection> OpenAsync(SmtpAccount account) =>
        SmtpConnection.OpenAsync(account, new IPEndPoint(IPAddress.Loopback, account.Port), new(), TimeProvider.System, CancellationToken.None).WaitAsync(Generous);

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Text(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
