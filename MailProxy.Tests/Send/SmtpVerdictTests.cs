using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class SmtpVerdictTests
{
    private static readonly int[] AlwaysAccount = [421, 454, 530, 534, 535, 538];

    [Test]
    public void BlamesAccount_CodesOfTheAccount_AtEveryPhase()
    {
        foreach (var phase in new[] { SmtpPhase.Mail, SmtpPhase.Recipient, SmtpPhase.Data, SmtpPhase.Final })
        {
            Assert.That(AlwaysAccount, Has.All.Matches<int>(code => SmtpVerdict.BlamesAccount(phase, code)), phase.ToString());
        }
    }

    [TestCase(500, true)]
    [TestCase(501, false)]
    [TestCase(502, true)]
    [TestCase(503, true)]
    [TestCase(504, true)]
    public void BlamesAccount_SyntaxErrors_OnlyAtMail(int code, bool atMail)
    {
        Assert.That(SmtpVerdict.BlamesAccount(SmtpPhase.Mail, code), Is.EqualTo(atMail));
        Assert.That(SmtpVerdict.BlamesAccount(SmtpPhase.Recipient, code), Is.False);
        Assert.That(SmtpVerdict.BlamesAccount(SmtpPhase.Data, code), Is.False);
        Assert.That(SmtpVerdict.BlamesAccount(SmtpPhase.Final, code), Is.False);
    }

    // Section 4 of the contract, as a table: what each code means at each step, for one recipient. A: the account; D: deferred; R:
    // refused; T: taken; ?: in doubt.
    private static char Expected(SmtpPhase step, int code) =>
        (step, code) switch
        {
            (_, 421 or 454 or 530 or 534 or 535 or 538) => 'A',
            (_, >= 400 and < 500) => 'D',
            (SmtpPhase.Mail, 500 or 502 or 503 or 504) => 'A',
            (_, >= 500) => 'R',
            (SmtpPhase.Final, < 300) => 'T',
            (SmtpPhase.Final, _) => '?',
            _ => 'A',
        };

    [TestCase(SmtpPhase.Mail)]
    [TestCase(SmtpPhase.Recipient)]
    [TestCase(SmtpPhase.Data)]
    [TestCase(SmtpPhase.Final)]
    public void Judge_EveryCodeAtEveryStep_BlamesWhomTheContractSays(SmtpPhase step)
    {
        using var all = Assert.EnterMultipleScope();
        for (var code = 200; code < 600; code++)
        {
            // A yes to MAIL or RCPT, or 354 to DATA, ends nothing.
            if ((step is SmtpPhase.Mail or SmtpPhase.Recipient && code < 300) || (step, code) == (SmtpPhase.Data, 354))
                continue;
            Assert.That(Judged(step, code), Is.EqualTo(Expected(step, code)), $"{code} at {step}");
        }
    }

    [TestCase(501, "5.1.7 bad")]
    [TestCase(503, "5.1.7 bad")]
    [TestCase(550, "5.1.7 bad")]
    public void Judge_BadSender_IsTheMessages(int code, string text) =>
        Assert.That(
            Verdicts(1, r => (r.Phase, r.Ending) = (SmtpPhase.Mail, Reply(code, text))).Single().Verdict,
            Is.EqualTo(Verdict.Refused)
        );

    private static char Judged(SmtpPhase step, int code)
    {
        var blamed = SmtpVerdict.BlamesAccount(step, code);
        var outcome = Judge(
            1,
            r => (r.Phase, r.Ending) = (step, step == SmtpPhase.Recipient && !blamed ? null : Reply(code)),
            step switch
            {
                SmtpPhase.Mail => null,
                SmtpPhase.Recipient => blamed ? null : Reply(code),
                _ => Reply(250),
            }
        );
        return outcome is not Outcome.Attempted attempted
            ? 'A'
            : attempted.Verdicts.Single().Verdict switch
            {
                Verdict.Accepted => 'T',
                Verdict.Deferred => 'D',
                Verdict.Refused => 'R',
                _ => '?',
            };
    }

    [TestCase(SmtpPhase.Mail, 450, ExpectedResult = false)]
    [TestCase(SmtpPhase.Mail, 550, ExpectedResult = false)]
    [TestCase(SmtpPhase.Mail, 354, ExpectedResult = true)]
    [TestCase(SmtpPhase.Data, 250, ExpectedResult = true)]
    [TestCase(SmtpPhase.Recipient, 354, ExpectedResult = true)]
    [TestCase(SmtpPhase.Final, 250, ExpectedResult = false)]
    [TestCase(SmtpPhase.Final, 354, ExpectedResult = false)]
    public bool BlamesAccount_OtherReplies_OnlyWhenOutOfTurn(SmtpPhase phase, int code) => SmtpVerdict.BlamesAccount(phase, code);

    [TestCase(550, Verdict.Refused)]
    [TestCase(450, Verdict.Deferred)]
    public void Judge_SenderRefused_IsEveryRecipients(int code, Verdict expected)
    {
        var verdicts = Verdicts(2, r => (r.Phase, r.Ending) = (SmtpPhase.Mail, Reply(code)));

        Assert.That(verdicts.Select(v => (v.Verdict, v.SmtpCode)), Is.EqualTo(new[] { (expected, (int?)code), (expected, code) }));
    }

    [Test]
    public void Judge_SomeRefusedAndTheRestTaken_EachHasItsOwn()
    {
        var verdicts = Verdicts(
            3,
            r => (r.Phase, r.Ending) = (SmtpPhase.Final, Reply(250, "2.0.0 queued as 1")),
            Reply(250),
            Reply(550, "5.1.1 who"),
            Reply(450, "4.2.1 try again in 5 minutes")
        );

        Assert.That(verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { Verdict.Accepted, Verdict.Refused, Verdict.Deferred }));
        Assert.That(verdicts[0].Reply, Is.EqualTo("2.0.0 queued as 1"));
        Assert.That(verdicts[1].EnhancedCode, Is.EqualTo("5.1.1"));
        Assert.That(verdicts[2].RetryAfter, Is.EqualTo(TimeSpan.FromMinutes(5)));
        Assert.That(verdicts.Select(v => v.Ordinal), Is.EqualTo(new[] { 0, 1, 2 }));
    }

    [TestCase(SmtpPhase.Data, 451, Verdict.Deferred)]
    [TestCase(SmtpPhase.Data, 554, Verdict.Refused)]
    [TestCase(SmtpPhase.Final, 451, Verdict.Deferred)]
    [TestCase(SmtpPhase.Final, 500, Verdict.Refused)]
    public void Judge_BodyRefused_IsTheAcceptedRecipients(SmtpPhase phase, int code, Verdict expected)
    {
        var verdicts = Verdicts(2, r => (r.Phase, r.Ending) = (phase, Reply(code)), Reply(250), Reply(450));

        Assert.That(verdicts.Select(v => (v.Verdict, v.SmtpCode)), Is.EqualTo(new[] { (expected, (int?)code), (Verdict.Deferred, 450) }));
    }

    [TestCase(452, "4.5.3 too many recipients", Verdict.NotTried)]
    [TestCase(552, "5.5.3 too many recipients", Verdict.NotTried)]
    [TestCase(552, "too many recipients", Verdict.NotTried)]
    [TestCase(552, "5.2.2 mailbox full", Verdict.Refused)]
    [TestCase(452, "4.3.1 disk full", Verdict.Deferred)]
    [TestCase(452, "too many recipients", Verdict.NotTried)]
    [TestCase(452, "", Verdict.NotTried)]
    public void Judge_RefusedAfterAnAcceptance_TooManyIsNotTried(int code, string text, Verdict expected)
    {
        var verdicts = Verdicts(2, r => (r.Phase, r.Ending) = (SmtpPhase.Final, Reply(250)), Reply(250), Reply(code, text));

        Assert.That(verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { Verdict.Accepted, expected }));
    }

    [TestCase(452, "4.5.3 too many recipients", Verdict.Deferred)]
    [TestCase(552, "5.5.3 too many recipients", Verdict.Refused)]
    public void Judge_TooManyButNoneAccepted_CountsLikeAnyRefusal(int code, string text, Verdict expected) =>
        Assert.That(Verdicts(1, r => r.Phase = SmtpPhase.Recipient, Reply(code, text)).Single().Verdict, Is.EqualTo(expected));

    [Test]
    public void Judge_TooManyBeforeTheFirstAcceptance_CountsLikeAnyRefusal() =>
        Assert.That(
            Verdicts(2, r => (r.Phase, r.Ending) = (SmtpPhase.Final, Reply(250)), Reply(452, "too many"), Reply(250))
                .Select(v => v.Verdict),
            Is.EqualTo(new[] { Verdict.Deferred, Verdict.Accepted })
        );

    [Test]
    public void Judge_NotOffered_IsNotTried() =>
        Assert.That(
            Verdicts(2, r => (r.Phase, r.Ending) = (SmtpPhase.Final, Reply(250)), Reply(250), null)[1].Verdict,
            Is.EqualTo(Verdict.NotTried)
        );

    [TestCase(TransactionEnd.Lost)]
    [TestCase(TransactionEnd.TimedOut)]
    [TestCase(TransactionEnd.Aborted)]
    public void Judge_BrokenAfterTheLastOfTheBody_OnlyTheAcceptedAreInDoubt(TransactionEnd end)
    {
        var verdicts = Verdicts(2, r => (r.Phase, r.End) = (SmtpPhase.Final, end), Reply(250), Reply(550));

        Assert.That(verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { Verdict.InDoubt, Verdict.Refused }));
    }

    [Test]
    public void Judge_OddReplyToTheDot_IsInDoubt() =>
        Assert.That(
            Verdicts(1, r => (r.Phase, r.Ending) = (SmtpPhase.Final, Reply(354)), Reply(250)).Single().Verdict,
            Is.EqualTo(Verdict.InDoubt)
        );

    [Test]
    public void Judge_RefusedOneAndHungUpBeforeData_TheAcceptedGoAgainAndNobodyIsBlamed()
    {
        var outcome = (Outcome.Attempted)Judge(2, r => (r.Phase, r.End) = (SmtpPhase.Data, TransactionEnd.Lost), Reply(250), Reply(550));

        Assert.That(outcome.Verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { Verdict.NotTried, Verdict.Refused }));
        Assert.That(outcome.Trouble, Is.Null);
    }

    [TestCase(TransactionEnd.Lost, SmtpPhase.Mail)]
    [TestCase(TransactionEnd.TimedOut, SmtpPhase.Recipient)]
    public void Judge_BrokenBefore_BlamesTheAccountAndKeepsTheContent(TransactionEnd end, SmtpPhase phase)
    {
        var outcome = Judge(1, r => (r.Phase, r.End) = (phase, end), Reply(250));

        Assert.That(outcome, Is.TypeOf<Outcome.AccountToBlame>());
        Assert.That(((Outcome.AccountToBlame)outcome).Content, Is.Not.Null);
    }

    [TestCase(SmtpPhase.Mail)]
    [TestCase(SmtpPhase.Recipient)]
    [TestCase(SmtpPhase.Data)]
    [TestCase(SmtpPhase.Body)]
    public void Judge_AbortedBeforeAnybodyHadAnAnswer_IsReleased(SmtpPhase phase) =>
        Assert.That(
            Judge(1, r => (r.Phase, r.End) = (phase, TransactionEnd.Aborted), phase > SmtpPhase.Recipient ? Reply(250) : null),
            Is.TypeOf<Outcome.Released>()
        );

    [Test]
    public void Judge_AbortedAfterARefusal_KeepsThatAndBlamesNobody()
    {
        var outcome = (Outcome.Attempted)Judge(2, r => (r.Phase, r.End) = (SmtpPhase.Body, TransactionEnd.Aborted), Reply(550), Reply(250));

        Assert.That(outcome.Verdicts.Select(v => v.Verdict), Is.EqualTo(new[] { Verdict.Refused, Verdict.NotTried }));
        Assert.That(outcome.Trouble, Is.Null);
    }

    [TestCase(TransactionEnd.Lost, SmtpPhase.Body)]
    [TestCase(TransactionEnd.TimedOut, SmtpPhase.Data)]
    public void Judge_BrokenOverThisMessage_DefersTheAcceptedSoThatOthersGoOn(TransactionEnd end, SmtpPhase phase)
    {
        var verdicts = Verdicts(2, r => (r.Phase, r.End) = (phase, end), Reply(250), Reply(550));

        Assert.That(
            verdicts.Select(v => (v.Verdict, v.EnhancedCode)),
            Is.EqualTo(new[] { (Verdict.Deferred, "4.4.2"), (Verdict.Refused, "5.0.0") })
        );
    }

    [TestCase(421, TroubleKind.Throttled)]
    [TestCase(454, TroubleKind.Throttled)]
    [TestCase(530, TroubleKind.Authentication)]
    [TestCase(503, TroubleKind.Protocol)]
    public void Judge_AccountsReply_NamesTheTrouble(int code, TroubleKind expected)
    {
        var outcome = (Outcome.AccountToBlame)Judge(1, r => (r.Phase, r.Ending) = (SmtpPhase.Mail, Reply(code, "retry in 30 seconds")));

        Assert.That((outcome.Trouble.Kind, outcome.Trouble.SmtpCode), Is.EqualTo((expected, (int?)code)));
        Assert.That(outcome.Trouble.RetryAfter, Is.EqualTo(code < 500 ? TimeSpan.FromSeconds(30) : null));
    }

    [Test]
    public void Judge_Unmarked_IsDropped() =>
        Assert.That(Judge(1, r => r.End = TransactionEnd.Unmarked, Reply(250)), Is.TypeOf<Outcome.Dropped>());

    [Test]
    public void Judge_BadAddress_IsRefused() =>
        Assert.That(
            Verdicts(1, r => r.End = TransactionEnd.BadAddress).Single(),
            Has.Property("Verdict").EqualTo(Verdict.Refused).And.Property("EnhancedCode").EqualTo("5.1.3")
        );

    [TestCase(SmtpPhase.Connect, null, TroubleKind.Connect)]
    [TestCase(SmtpPhase.Greeting, 554, TroubleKind.Greeting)]
    [TestCase(SmtpPhase.Greeting, 421, TroubleKind.Throttled)]
    [TestCase(SmtpPhase.Hello, 502, TroubleKind.Greeting)]
    [TestCase(SmtpPhase.StartTls, 454, TroubleKind.Tls)]
    [TestCase(SmtpPhase.Handshake, null, TroubleKind.Tls)]
    [TestCase(SmtpPhase.Authenticate, 535, TroubleKind.Authentication)]
    [TestCase(SmtpPhase.Authenticate, 454, TroubleKind.Throttled)]
    [TestCase(SmtpPhase.Authenticate, 451, TroubleKind.Throttled)]
    public void Trouble_NoConnection_IsNamedByPhaseAndCode(SmtpPhase phase, int? code, TroubleKind expected) =>
        Assert.That(
            SmtpVerdict.Trouble(new(7), new SmtpOpenException(phase, code is { } c ? Reply(c) : null, false, "why")).Kind,
            Is.EqualTo(expected)
        );

    private static SmtpReply Reply(int code, string text = "text") => SmtpReply.Of(code, text);

    private static IReadOnlyList<RecipientVerdict> Verdicts(int recipients, Action<TransactionResult> set, params SmtpReply?[] replies) =>
        ((Outcome.Attempted)Judge(recipients, set, replies)).Verdicts;

    private static Outcome Judge(int recipients, Action<TransactionResult> set, params SmtpReply?[] replies)
    {
        var result = new TransactionResult(recipients);
        replies.CopyTo(result.Recipients, 0);
        set(result);
        var content = Sample.Content(recipients: [.. Enumerable.Range(0, recipients).Select(i => $"r{i}@y.example")]);
        return SmtpVerdict.Judge(Sample.Ticket(), new(7), content, result);
    }
}
