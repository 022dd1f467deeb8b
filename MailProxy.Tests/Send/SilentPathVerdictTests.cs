using System.Net.Sockets;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>What nobody acknowledges speaks against the account in every phase; the mail fares as with any lost connection.</summary>
internal sealed class SilentPathVerdictTests
{
    [TestCase(SmtpPhase.Data, SocketError.TimedOut, Verdict.Deferred, true)]
    [TestCase(SmtpPhase.Body, SocketError.TimedOut, Verdict.Deferred, true)]
    [TestCase(SmtpPhase.Final, SocketError.TimedOut, Verdict.InDoubt, true)]
    [TestCase(SmtpPhase.Data, SocketError.ConnectionReset, Verdict.Deferred, false)]
    [TestCase(SmtpPhase.Body, SocketError.ConnectionReset, Verdict.Deferred, false)]
    [TestCase(SmtpPhase.Final, SocketError.ConnectionReset, Verdict.InDoubt, false)]
    public void Judge_ConnectionLost_BlamesTheAccountWhenThePathIsSilent(
        SmtpPhase phase,
        SocketError error,
        Verdict verdict,
        bool isTrouble
    )
    {
        var result = new TransactionResult(1)
        {
            Phase = phase,
            End = TransactionEnd.Lost,
            SenderAnswered = true,
            Fault = new IOException("Unable to read data.", new SocketException((int)error)),
        };
        result.Recipients[0] = new(250, "2.1.5", "fine");

        var outcome = (Outcome.Attempted)SmtpVerdict.Judge(Sample.Ticket(), new(7), Sample.Content(recipients: ["r@y.example"]), result);

        Assert.That(outcome.Verdicts.Single().Verdict, Is.EqualTo(verdict));
        Assert.That(outcome.Trouble?.Kind, Is.EqualTo(isTrouble ? TroubleKind.Connect : (TroubleKind?)null));
    }
}
