using System.Net;
using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Logging in: every way that is known, and servers that refuse, lie, ask for too much or never end.</summary>
internal sealed class SmtpLoginTests
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);

    [TestCase("AUTH PLAIN LOGIN", "535 5.7.8 bad", 535)]
    [TestCase("AUTH PLAIN LOGIN", "534-5.7.9 Application-specific password required\r\n534 5.7.9 see elsewhere", 534)]
    [TestCase("AUTH CRAM-MD5 PLAIN", "538 5.7.11 encrypt", 538)]
    [TestCase("AUTH PLAIN", "454 4.7.0 later", 454)]
    [TestCase("AUTH PLAIN LOGIN", "421 4.7.0 too many", 421)]
    [TestCase("AUTH PLAIN", "500 5.5.2 what", 500)]
    public async Task Login_Refused_ThenTheServerGoes_TellsTheRefusal(string offer, string reply, int code)
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => $"250-odd\r\n250 {offer}",
                "AUTH" => new Said(reply + "\r\n", SaidThen.Close),
                _ => null,
            }
        );

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() =>
            OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" })
        )!;

        Assert.That(
            (failure.Phase, failure.Reply!.Code, failure.Message),
            Is.EqualTo((SmtpPhase.Authenticate, code, SmtpReply.Of(code, reply.Replace("\r\n534 ", " ")[4..]).Text))
        );
        Assert.That(SmtpVerdict.Trouble(new(7), failure).Kind, Is.EqualTo(code < 500 ? TroubleKind.Throttled : TroubleKind.Authentication));
    }

    [Test]
    public async Task Login_FirstWayRefused_TheNextIsTried()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard switch
            {
                { Verb: "EHLO" } => "250-odd\r\n250 AUTH PLAIN LOGIN",
                { Verb: "AUTH", Line: "AUTH LOGIN" } => "334 VXNlcm5hbWU6",
                { Verb: "AUTH" } => "504 5.7.4 not this one",
                { Verb: "SASL", Line: "dQ==" } => "334",
                { Verb: "SASL", Line: "cA==" } => "235 2.7.0 ok",
                _ => null,
            }
        );

        await using var connection = await OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" });

        Assert.That(connection.IsUsable, Is.True);
    }

    [TestCase("PLAIN", "334 ", "AHUAcA==")]
    [TestCase("LOGIN", "334 Username:", "dQ==")]
    public async Task Login_ChallengedInOddWords_Answers(string mechanism, string challenge, string answer)
    {
        var asked = 0;
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => $"250-odd\r\n250 AUTH {mechanism}",
                "AUTH" => challenge,
                "SASL" when mechanism == "LOGIN" && ++asked == 1 => "334 Password:",
                _ => null,
            }
        );

        await using var connection = await OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" });

        Assert.That(server.Lines, Does.Contain(answer));
    }

    [Test]
    public async Task Login_ByCramMd5_AnswersTheChallenge()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => "250-odd\r\n250 AUTH CRAM-MD5",
                "AUTH" => "334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
                _ => null,
            }
        );

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
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => "250-odd\r\n250 AUTH SCRAM-SHA-256",
                "AUTH" => $"334 {Base64($"r={Text(heard.Line.Split(' ')[2]).Split("r=")[1]}srv,s=QSXCR+Q6sek8bf92,{iterations}")}",
                _ => null,
            }
        );

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() =>
            OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" })
        )!;

        Assert.That(failure.Message, Does.Contain("iterations"));
        Assert.That(server.Commands.Select(heard => heard.Verb), Does.Not.Contain("SASL"));
    }

    [Test]
    public async Task Login_ByScram_SaysItsProof()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => "250-odd\r\n250 AUTH SCRAM-SHA-256",
                "AUTH" => $"334 {Base64($"r={Text(heard.Line.Split(' ')[2]).Split("r=")[1]}srv,s=QSXCR+Q6sek8bf92,i=4096")}",
                _ => null,
            }
        );

        await using var connection = await OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" });

        Assert.That(Text(server.Commands.Single(heard => heard.Verb == "SASL").Line), Does.Contain(",p="));
    }

    [Test]
    public async Task Login_ThatNeverEnds_IsGivenUp()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => "250-odd\r\n250 AUTH PLAIN",
                "AUTH" or "SASL" => "334 again",
                _ => null,
            }
        );

        Assert.ThrowsAsync<SmtpOpenException>(() => OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" }));
    }

    [TestCase("250-odd\r\n250 AUTH XOAUTH2", "XOAUTH2")]
    [TestCase("250-odd\r\n250 STARTTLS", "starttls")]
    [TestCase("250 odd", "remove auth")]
    public async Task Login_NoWayInCommon_IsSaidPlainlyWithTheHostAndARemedy(string hello, string remedy)
    {
        await using var server = new ScriptedSmtpServer(heard => heard.Verb == "EHLO" ? hello : null);

        var failure = Assert.ThrowsAsync<SmtpOpenException>(() =>
            OpenAsync(Sample.Account(server.Port) with { User = "u", Password = "p" })
        )!;

        Assert.That(failure.Message, Does.Contain($"127.0.0.1:{server.Port}").And.Contain(remedy));
        Assert.That(SmtpVerdict.Trouble(new(7), failure).Kind, Is.EqualTo(TroubleKind.Authentication));
    }

    [Test]
    public async Task Login_RefusedOverStartTls_TheProbeStillTellsTls()
    {
        await using var server = new ScriptedSmtpServer(heard =>
            heard.Verb switch
            {
                "EHLO" => "250-odd\r\n250-STARTTLS\r\n250 AUTH PLAIN",
                "AUTH" => "535 5.7.8 bad",
                _ => null,
            }
        );

        var seen = await new SmtpProbe(new(), new(), TimeProvider.System)
            .TryAsync(Trusting(server, SmtpSecurity.StartTls) with { User = "u", Password = "p" }, CancellationToken.None)
            .WaitAsync(Generous);

        Assert.That(seen.Tls, Does.StartWith("TLS 1."));
        Assert.That(
            (seen.Extensions, seen.Authenticated, seen.Trouble!.SmtpCode),
            Is.EqualTo((new[] { "AUTH", "STARTTLS" }, false, (int?)535))
        );
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

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Text(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
