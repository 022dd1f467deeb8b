using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Conversations that break, hang or are aborted in each phase.</summary>
internal sealed class SmtpConnectionLossTests : SmtpConnectionFixture
{
    [TestCase("MAIL", ScriptedSmtpServer.Drop, SmtpPhase.Mail)]
    [TestCase("MAIL", ScriptedSmtpServer.Reset, SmtpPhase.Mail)]
    [TestCase("MAIL", "what?", SmtpPhase.Mail)]
    [TestCase("DATA", ScriptedSmtpServer.Drop, SmtpPhase.Data)]
    [TestCase("DATA", "garbage", SmtpPhase.Data)]
    [TestCase("DOT", ScriptedSmtpServer.Drop, SmtpPhase.Final)]
    [TestCase("DOT", ScriptedSmtpServer.Reset, SmtpPhase.Final)]
    [TestCase("DOT", "no number", SmtpPhase.Final)]
    public async Task Transact_ConversationBreaks_IsLostInThatPhase(string phase, string trick, SmtpPhase expected)
    {
        _server.Say(phase, trick);

        var (connection, result) = await OpenAndTransactAsync(Sample.Content());

        await using (connection)
        {
            Assert.That((result.End, result.Phase), Is.EqualTo((TransactionEnd.Lost, expected)));
            Assert.That(connection.IsUsable, Is.False);
        }
    }

    [Test]
    public async Task Transact_DroppedInTheMiddleOfALargeBody_IsLostBeforeTheEnd()
    {
        _server.Say("BODY", ScriptedSmtpServer.Reset);
        var large = Sample.Content(
            $$"""{"from":"a@x.example","to":"b@y.example","text":"{{new string('x', 900)}}","attachments":[{"filename":"a.bin","content":"{{Convert.ToBase64String(new byte[20_000_000])}}"}]}"""
        );

        var result = await TransactAsync(large);

        Assert.That((result.End, result.Phase), Is.EqualTo((TransactionEnd.Lost, SmtpPhase.Body)));
    }

    [Test]
    public async Task Transact_ServerStopsReadingTheBody_EndsByThatBlocksTimeoutAndBlamesTheMail()
    {
        _server.Say("BODY", ScriptedSmtpServer.Hang);
        _options.Timeouts.DataBlock = TimeSpan.FromMilliseconds(500);
        var large = Sample.Content(
            $$"""{"from":"a@x.example","to":"b@y.example","attachments":[{"filename":"a.bin","content":"{{Convert.ToBase64String(new byte[20_000_000])}}"}]}"""
        );

        var result = await TransactAsync(large);

        Assert.That((result.End, result.Phase), Is.EqualTo((TransactionEnd.TimedOut, SmtpPhase.Body)));
        var outcome = (Outcome.Attempted)SmtpVerdict.Judge(Sample.Ticket(), new(7), large, result);
        Assert.That(outcome.Verdicts.Single().Verdict, Is.EqualTo(Verdict.Deferred));
    }

    [TestCase("MAIL", SmtpPhase.Mail)]
    [TestCase("RCPT", SmtpPhase.Recipient)]
    [TestCase("DATA", SmtpPhase.Data)]
    [TestCase("DOT", SmtpPhase.Final)]
    public async Task Transact_ServerHangs_EndsByThatPhasesTimeoutAlone(string phase, SmtpPhase expected)
    {
        _server.Extensions.Remove("PIPELINING");
        _server.Say(phase, ScriptedSmtpServer.Hang);
        var tiny = TimeSpan.FromMilliseconds(50);
        if (expected == SmtpPhase.Mail)
            _options.Timeouts.Mail = tiny;
        if (expected == SmtpPhase.Recipient)
            _options.Timeouts.Recipient = tiny;
        if (expected == SmtpPhase.Data)
            _options.Timeouts.DataInitiation = tiny;
        if (expected == SmtpPhase.Final)
            _options.Timeouts.DataTermination = tiny;

        var result = await TransactAsync(Sample.Content());

        Assert.That((result.End, result.Phase), Is.EqualTo((TransactionEnd.TimedOut, expected)));
    }

    [Test]
    public async Task Transact_AbortWhileTheReplyToTheDotIsAwaited_IsAbortedInFinal()
    {
        _server.Say("DOT", ScriptedSmtpServer.Hang);
        using var abort = new CancellationTokenSource();
        var transaction = TransactAsync(Sample.Content(), abort: abort.Token);

        await _server.Seen("DOT");
        await abort.CancelAsync();

        var result = await transaction.WaitAsync(Generous);
        Assert.That((result.End, result.Phase), Is.EqualTo((TransactionEnd.Aborted, SmtpPhase.Final)));
    }
}
