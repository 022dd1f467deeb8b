using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class OpenTroubleTests
{
    private static readonly ServerName Server = new("mail.example", 587, SmtpSecurity.StartTls);

    private static IEnumerable<object[]> Troubles() =>
        [
            [
                new SocketException((int)SocketError.HostNotFound),
                SmtpPhase.Connect,
                "The host of mail.example:587 was not found",
                TroubleKind.Connect,
            ],
            [
                new SocketException((int)SocketError.ConnectionRefused),
                SmtpPhase.Connect,
                "No connection to mail.example:587",
                TroubleKind.Connect,
            ],
            [new AddressRefusedException("mail.example"), SmtpPhase.Connect, "'mail.example'", TroubleKind.Connect],
            [
                new IOException("gone"),
                SmtpPhase.Greeting,
                "The connection to mail.example:587 was lost (Greeting): gone",
                TroubleKind.Greeting,
            ],
            [new IOException("gone"), SmtpPhase.Handshake, "The TLS handshake with mail.example:587 failed", TroubleKind.Tls],
            [new AuthenticationException("frames"), SmtpPhase.Handshake, "mail.example:587 agreed to STARTTLS", TroubleKind.Tls],
            [
                new AuthenticationException("see inner", new IOException("alert")),
                SmtpPhase.Handshake,
                "mail.example:587 failed: alert",
                TroubleKind.Tls,
            ],
            [
                new CertificateException(SslPolicyErrors.RemoteCertificateNameMismatch, new AuthenticationException()),
                SmtpPhase.Handshake,
                "The certificate of mail.example:587 is for another name",
                TroubleKind.Tls,
            ],
            [
                new CertificateException(SslPolicyErrors.RemoteCertificateChainErrors, new AuthenticationException()),
                SmtpPhase.Handshake,
                "The certificate of mail.example:587 is not by an authority",
                TroubleKind.Tls,
            ],
            [
                new SmtpGarbageException("too much"),
                SmtpPhase.Authenticate,
                "The log-in at mail.example:587 went wrong: too much",
                TroubleKind.Protocol,
            ],
            [
                new SmtpGarbageException("Not a reply: 'x'."),
                SmtpPhase.Greeting,
                "The server mail.example:587 does not speak SMTP",
                TroubleKind.Greeting,
            ],
        ];

    [TestCaseSource(nameof(Troubles))]
    public void Explain_WhateverWentWrong_NamesTheServerInPlainWords(Exception trouble, SmtpPhase phase, string words, TroubleKind kind)
    {
        var told = OpenTrouble.Explain(trouble, phase, false, Server);

        Assert.That(told.Message, Does.Contain(words));
        Assert.That(SmtpVerdict.Trouble(new(7), told).Kind, Is.EqualTo(kind));
    }

    [Test]
    public void Explain_TimeIsOver_NamesThePhase() =>
        Assert.That(
            OpenTrouble.Explain(new OperationCanceledException(), SmtpPhase.Hello, true, Server).Message,
            Is.EqualTo("The server mail.example:587 took too long (Hello).")
        );

    [TestCase("mail.example", 25, "mail.example:25")]
    [TestCase("::1", 25, "[::1]:25")]
    [TestCase(null, 0, "the sandbox")]
    public void ServerName_AsText_IsWhatPeopleWrite(string? host, int port, string expected) =>
        Assert.That(new ServerName(host, port, SmtpSecurity.None).ToString(), Is.EqualTo(expected));
}
