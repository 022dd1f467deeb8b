using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class SmtpConnectionTests : SmtpConnectionFixture
{
    [Test]
    public async Task Transact_AllAccepted_DeliversRenderedBytes()
    {
        var content = Sample.Content(recipients: ["b@y.example", "c@y.example"]);
        using var rendered = new MimeComposer(_options).Compose(content, [], [], null);

        var result = await TransactAsync(content);

        Assert.That(result.End, Is.EqualTo(TransactionEnd.Answered));
        Assert.That(result.Ending!.Code, Is.EqualTo(250));
        Assert.That(result.Phase, Is.EqualTo(SmtpPhase.Final));
        var mail = _server.Mails.Single();
        Assert.That(mail.Sender, Is.EqualTo("a@x.example"));
        Assert.That(mail.Recipients, Is.EqualTo(new[] { "b@y.example", "c@y.example" }));
        Assert.That(mail.Text, Is.EqualTo(Encoding.UTF8.GetString(rendered.Bytes.Span)));
    }

    [Test]
    public async Task Transact_LinesThatBeginWithDots_ArriveUnchanged()
    {
        await TransactAsync(Sample.Content("""{"from":"a@x.example","to":"b@y.example","text":".\n..two\nx.\n.\n"}"""));

        Assert.That(_server.Mails.Single().Text, Does.EndWith("\r\n\r\n.\r\n..two\r\nx.\r\n.\r\n"));
    }

    [Test]
    public async Task Transact_NullSender_SendsEmptyPath()
    {
        await TransactAsync(Sample.Content(sender: ""));

        Assert.That(_server.Mails.Single().Sender, Is.Empty);
    }

    [Test]
    public async Task Transact_WithoutPipelining_RecordsEachRecipient()
    {
        _server.Extensions.Remove("PIPELINING");
        _server.Say("RCPT", "250 ok", "550 5.1.1 who?");

        var result = await TransactAsync(Sample.Content(recipients: ["b@y.example", "c@y.example"]));

        Assert.That(result.Recipients.Select(r => r!.Code), Is.EqualTo(new[] { 250, 550 }));
        Assert.That(result.Ending!.Code, Is.EqualTo(250));
    }

    // Who waits for each reply has no reason for DATA once everybody is refused.
    [TestCase(SmtpPipelining.Off, false)]
    [TestCase(SmtpPipelining.Envelope, true)]
    [TestCase(SmtpPipelining.Next, true)]
    public async Task Transact_EverybodyRefused_DataWasAskedOnlyWherePipeliningIsOn(SmtpPipelining pipelining, bool asked)
    {
        _server.Say("RCPT", "550 5.1.1 who?", "550 5.1.1 who?");

        var account = Sample.Account(_server.Port) with { Pipelining = pipelining };
        var (connection, result) = await OpenAndTransactAsync(Sample.Content(recipients: ["b@y.example", "c@y.example"]), account: account);

        await using (connection)
        {
            Assert.That(result.Recipients.Select(r => r!.Code), Is.EqualTo(new[] { 550, 550 }));
            Assert.That(_server.Lines.Contains("DATA"), Is.EqualTo(asked));
        }
    }

    [Test]
    public async Task Transact_EveryRecipientGreylisted_KeepsTheServersReply()
    {
        _server.Say("RCPT", "450 4.7.1 Greylisted, try again in 5 minutes", "451 4.7.1 later");

        var (connection, result) = await OpenAndTransactAsync(Sample.Content(recipients: ["b@y.example", "c@y.example"]));

        await using (connection)
        {
            Assert.That(result.Ending, Is.Null);
            Assert.That(result.Recipients.Select(r => r!.Code), Is.EqualTo(new[] { 450, 451 }));
            Assert.That(connection.IsUsable, Is.True);

            // This server says 354 although it refused everybody: it got the lone dot.
            Assert.That(_server.Mails.Single().Data, Is.Empty);
        }
    }

    [Test]
    public async Task Transact_SenderRefusedWhilePipelining_IgnoresWhatIsSaidOfRecipients()
    {
        _server.Say("MAIL", "550 5.7.1 not you").Say("RCPT", "503 5.5.1 MAIL first");

        var result = await TransactAsync(Sample.Content());

        Assert.That(result.Phase, Is.EqualTo(SmtpPhase.Mail));
        Assert.That(result.Ending!.Code, Is.EqualTo(550));
        Assert.That(result.Recipients[0], Is.Null);
    }

    [Test]
    public async Task Transact_AddressesDifferOnlyInCase_BothAreOffered()
    {
        var result = await TransactAsync(Sample.Content(recipients: ["Bob@y.example", "bob@y.example"]));

        Assert.That(result.Recipients.Select(r => r?.Code), Is.EqualTo(new int?[] { 250, 250 }));
    }

    [TestCase("MAIL", "421 4.3.2 closing", SmtpPhase.Mail)]
    [TestCase("RCPT", "421 4.3.2 closing", SmtpPhase.Recipient)]
    [TestCase("DATA", "421 4.3.2 closing", SmtpPhase.Data)]
    [TestCase("DOT", "421 4.3.2 closing", SmtpPhase.Final)]
    [TestCase("MAIL", "530 5.7.0 log in", SmtpPhase.Mail)]
    [TestCase("RCPT", "530 5.7.0 log in", SmtpPhase.Recipient)]
    [TestCase("RCPT", "454 4.7.1 relay", SmtpPhase.Recipient)]
    public async Task Transact_ReplyBlamesAccount_EndsThereAndTheConnectionIsDone(string phase, string reply, SmtpPhase expected)
    {
        _server.Say(phase, reply);

        var (connection, result) = await OpenAndTransactAsync(Sample.Content());

        await using (connection)
        {
            Assert.That(result.End, Is.EqualTo(TransactionEnd.Answered));
            Assert.That((result.Phase, result.Ending!.Code), Is.EqualTo((expected, int.Parse(reply[..3]))));
            Assert.That(connection.IsUsable, Is.False);
        }
    }

    [Test]
    public async Task Transact_AccountBlamedAtSecondRecipient_NeverSendsTheBody()
    {
        _server.Extensions.Remove("PIPELINING");
        _server.Say("RCPT", "250 ok", "454 4.7.1 relay");

        var result = await TransactAsync(Sample.Content(recipients: ["b@y.example", "c@y.example"]));

        Assert.That(result.Ending!.Code, Is.EqualTo(454));
        Assert.That(_server.Journal, Has.None.Contains("DATA"));
    }

    [TestCase("MAIL", "450 4.1.8 later", SmtpPhase.Mail)]
    [TestCase("DATA", "451 4.3.0 later", SmtpPhase.Data)]
    [TestCase("DATA", "554 5.5.1 no", SmtpPhase.Data)]
    [TestCase("DOT", "451 4.3.0 later", SmtpPhase.Final)]
    [TestCase("DOT", "554 5.7.1 spam", SmtpPhase.Final)]
    public async Task Transact_OrdinaryRefusal_KeepsTheConnection(string phase, string reply, SmtpPhase expected)
    {
        _server.Say(phase, reply);

        var (connection, result) = await OpenAndTransactAsync(Sample.Content());

        await using (connection)
        {
            Assert.That((result.Phase, result.Ending!.Code), Is.EqualTo((expected, int.Parse(reply[..3]))));
            Assert.That(connection.IsUsable, Is.True);
            using var rendered = new MimeComposer(_options).Compose(Sample.Content(), [], [], null);
            var next = await connection
                .TransactAsync(
                    new(Envelope.Of(Sample.Content()), rendered),
                    Sample.Mark(),
                    null,
                    CancellationToken.None,
                    CancellationToken.None
                )
                .WaitAsync(Generous);
            Assert.That(next.Ending!.Code, Is.EqualTo(250));
        }
    }

    [Test]
    public async Task Transact_InternationalDomainOnly_AsksForNoSmtpUtf8()
    {
        await TransactAsync(Sample.Content(recipients: ["b@xn--mnchen-3ya.example"]));

        Assert.That(_server.Mails.Single().Recipients, Is.EqualTo(new[] { "b@xn--mnchen-3ya.example" }));
        Assert.That(_server.Journal, Has.None.Contains("SMTPUTF8"));
    }

    [Test]
    public async Task Transact_InternationalLocalPart_AsksForSmtpUtf8()
    {
        await TransactAsync(Sample.Content(recipients: ["bøb@y.example"]));

        Assert.That(_server.Mails.Single().Recipients, Is.EqualTo(new[] { "bøb@y.example" }));
        Assert.That(_server.Journal, Has.Some.Contains("SMTPUTF8"));
    }

    [Test]
    public async Task Transact_EightBitRaw_AsksFor8BitMime()
    {
        await TransactAsync(
            Sample.Content($$"""{"to":"b@y.example","raw":"{{Convert.ToBase64String("From: a@x.example\n\ngrün\n"u8)}}"}""")
        );

        Assert.That(_server.Journal, Has.Some.Contains("BODY=8BITMIME"));
        Assert.That(_server.Mails.Single().Text, Does.EndWith("\r\n\r\ngrün\r\n"));
    }
}
