using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Profiles;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>What becomes of a transaction when a rule of the provider's profile speaks of its replies.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class RuledVerdictTests
{
    private const string Relay = "relay.example";
    private const string Google = "smtp.gmail.com";
    private const string Mx = "mx-eu.mail.am0.yahoodns.net";

    private readonly ReplyJudge _judge = new(
        ProfileSet.Shipped,
        TimeProvider.System,
        new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry()),
        NullLogger.Instance
    );

    [Test]
    public void Judge_Greylisted_IsDeferredAndNotBeforeTheRulesWait()
    {
        var one = Verdicts(Relay, 1, SmtpPhase.Recipient, null, Reply(450, "4.2.0 Greylisted")).Single();
        Assert.That(
            (one.Verdict, one.Rule, one.LeastWait, one.SmtpCode),
            Is.EqualTo((Verdict.Deferred, "any/greylisted", (TimeSpan?)TimeSpan.FromMinutes(5), (int?)450))
        );
    }

    [Test]
    public void Judge_GreylistedWith421_IsThatRecipientsAndNotTheAccounts()
    {
        var tried = (Outcome.Attempted)Judge(
            Relay,
            3,
            SmtpPhase.Recipient,
            Reply(421, "4.7.1 Greylisting in action"),
            Reply(250, "ok"),
            null,
            null
        );
        Assert.That(
            tried.Verdicts.Select(static one => one.Verdict),
            Is.EqualTo(new[] { Verdict.NotTried, Verdict.Deferred, Verdict.NotTried })
        );
        Assert.That(tried.Trouble, Is.Null);
    }

    [Test]
    public void Judge_ARelayAsksForLessToADomain_ItsRecipientIsDeferredAndTheDomainSlowed()
    {
        Outcome Once() => Judge(Google, 1, SmtpPhase.Recipient, Reply(421, "4.7.28 an unusual rate of mail"), (SmtpReply?)null);
        Once(); // the rule speaks from the second on

        var tried = (Outcome.Attempted)Once();

        Assert.That(tried.Trouble, Is.Null, "the account goes on");
        Assert.That(
            (tried.Verdicts[0].Verdict, tried.Verdicts[0].Rule, tried.Verdicts[0].Slow),
            Is.EqualTo((Verdict.Deferred, "google/unusual-rate", new SlowDown(null, 10, TimeSpan.FromMinutes(30))))
        );
    }

    [Test]
    public void Judge_PermanentReplyThatARuleCallsTransient_IsDeferred() =>
        Assert.That(
            Verdicts(Google, 1, SmtpPhase.Recipient, null, Reply(550, "5.2.1 The user is receiving mail at a rate that")).Single(),
            Has.Property("Verdict").EqualTo(Verdict.Deferred).And.Property("LeastWait").EqualTo(TimeSpan.FromHours(1))
        );

    [Test]
    public void Judge_TransientReplyThatARuleCallsFinal_IsRefused() =>
        Assert.That(
            Verdicts(Google, 2, SmtpPhase.Mail, Reply(421, "4.7.0 IP not in whitelist for RCPT domain, closing connection.")),
            Has.All.Property("Verdict").EqualTo(Verdict.Refused)
        );

    [Test]
    public void Judge_DailyLimitAtTheDot_IsTheAccountsAndTheMessageLosesNothing()
    {
        var blamed = (Outcome.AccountToBlame)Judge(
            Google,
            2,
            SmtpPhase.Final,
            Reply(550, "5.4.5 Daily user sending limit exceeded"),
            Reply(250, "ok"),
            Reply(250, "ok")
        );
        Assert.That(
            (blamed.Trouble.Kind, blamed.Trouble.Rule, blamed.Trouble.SmtpCode),
            Is.EqualTo((TroubleKind.Throttled, "google/daily-limit", (int?)550))
        );
        Assert.That(blamed.Trouble.Steps, Is.EqualTo(new[] { TimeSpan.FromHours(1) }));
        Assert.That(blamed.Content, Is.Not.Null, "as if it had not been tried");
    }

    [Test]
    public void Judge_AccountsReplyToOneRecipient_LeavesTheOthersSent()
    {
        var tried = (Outcome.Attempted)Judge(
            Google,
            2,
            SmtpPhase.Final,
            Reply(250, "2.0.0 ok"),
            Reply(250, "ok"),
            Reply(450, "4.2.1 Peak SMTP relay limit exceeded for customer.")
        );
        Assert.That(tried.Verdicts.Select(static one => one.Verdict), Is.EqualTo(new[] { Verdict.Accepted, Verdict.NotTried }));
        Assert.That(tried.Trouble?.Rule, Is.EqualTo("google/relay-peak"));
    }

    [TestCase("452 4.5.3 Your message has too many recipients")]
    [TestCase("451 4.3.0 Multiple destination domains per transaction is unsupported.")]
    public void Judge_NextTransaction_OnlyAfterAnAcceptance(string line)
    {
        var no = Reply(int.Parse(line[..3]), line[4..]);
        Assert.That(
            Verdicts(Google, 2, SmtpPhase.Final, Reply(250, "ok"), Reply(250, "ok"), no).Select(static one => one.Verdict),
            Is.EqualTo(new[] { Verdict.Accepted, Verdict.NotTried })
        );
        Assert.That(
            Verdicts(Google, 2, SmtpPhase.Final, Reply(250, "ok"), no, Reply(250, "ok")).Select(static one => one.Verdict),
            Is.EqualTo(new[] { Verdict.Deferred, Verdict.Accepted }),
            "else it would come again for ever"
        );
    }

    [Test]
    public void Judge_ServedItsTime_GoesAtOnceAndNobodyIsToBlame() =>
        Assert.That(Judge(Relay, 1, SmtpPhase.Mail, Reply(421, "4.4.2 Error: timeout exceeded")), Is.TypeOf<Outcome.Released>());

    [Test]
    public void Judge_ServedItsTimeOnAFreshConnection_IsTheAccounts() =>
        Assert.That(
            Judge(Relay, 1, SmtpPhase.Mail, Reply(421, "4.4.2 Error: timeout exceeded"), fresh: true),
            Is.TypeOf<Outcome.AccountToBlame>(),
            "else it would be tried for ever"
        );

    [Test]
    public void Judge_DestinationWhereMailEnds_IsTheAccounts() =>
        Assert.That(
            ((Outcome.AccountToBlame)Judge(Mx, 1, SmtpPhase.Recipient, Reply(421, "4.7.0 [TSS04] Messages deferred"))).Trouble.Steps,
            Is.EqualTo(new[] { TimeSpan.FromHours(2) })
        );

    [Test]
    public void Judge_DestinationThroughARelay_LetsOnlyItsRecipientsWait()
    {
        var listed = Reply(554, "5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org");
        var tried = (Outcome.Attempted)Judge(Relay, 2, SmtpPhase.Final, Reply(250, "ok"), Reply(250, "ok"), listed);
        Assert.That(tried.Verdicts.Select(static one => one.Verdict), Is.EqualTo(new[] { Verdict.Accepted, Verdict.Deferred }));
        Assert.That((tried.Trouble, tried.Verdicts[1].LeastWait), Is.EqualTo(((AccountTrouble?)null, (TimeSpan?)TimeSpan.FromHours(2))));
    }

    [Test]
    public void Judge_Hint_LeavesTheJudgementAndNamesTheRule() =>
        Assert.That(
            Verdicts(Relay, 1, SmtpPhase.Recipient, null, Reply(554, "5.7.1 Relay access denied")).Single(),
            Has.Property("Verdict").EqualTo(Verdict.Refused).And.Property("Rule").EqualTo("any/relay-denied")
        );

    [Test]
    public void Judge_EverySenderRefused_IsTheAccountsWhateverTheRule()
    {
        var outcome = Judge(
            Relay,
            1,
            SmtpPhase.Mail,
            Reply(553, "5.7.1 Sender address rejected: not owned by user b"),
            fresh: false,
            everySender: true
        );
        Assert.That(outcome, Is.TypeOf<Outcome.AccountToBlame>());
    }

    [Test]
    public void Trouble_LogInRefused_HasTheRemedy()
    {
        var account = Sample.Account(25) with { Host = "smtp.office365.com" };
        var failure = new SmtpOpenException(
            SmtpPhase.Authenticate,
            Reply(550, "5.7.30 Basic authentication is not supported for Client Submission."),
            false,
            "no"
        );
        var trouble = SmtpVerdict.Trouble(account.Key, failure, TransactionRules.Find(_judge, account, failure));
        Assert.That((trouble.Kind, trouble.Rule), Is.EqualTo((TroubleKind.Authentication, "microsoft365/basic-authentication-off")));
        Assert.That(trouble.Explained, Does.Contain("OAuth2"));
    }

    [Test]
    public void Trouble_RuleOfAMailWhileConnecting_DoesNotSpeak()
    {
        var account = Sample.Account(25);
        var failure = new SmtpOpenException(SmtpPhase.Greeting, Reply(450, "greylisted"), false, "no");
        Assert.That(TransactionRules.Find(_judge, account, failure), Is.Null);
    }

    private static SmtpReply Reply(int code, string text) => SmtpReply.Of(code, text);

    private IReadOnlyList<RecipientVerdict> Verdicts(
        string host,
        int recipients,
        SmtpPhase phase,
        SmtpReply? ending,
        params SmtpReply?[] replies
    ) => ((Outcome.Attempted)Judge(host, recipients, phase, ending, replies)).Verdicts;

    private Outcome Judge(string host, int recipients, SmtpPhase phase, SmtpReply? ending, params SmtpReply?[] replies) =>
        Judge(host, recipients, phase, ending, fresh: false, everySender: false, replies);

    private Outcome Judge(
        string host,
        int recipients,
        SmtpPhase phase,
        SmtpReply? ending,
        bool fresh,
        bool everySender = false,
        params SmtpReply?[] replies
    )
    {
        var account = Sample.Account(25) with { Host = host };
        var result = new TransactionResult(recipients) { Phase = phase, Ending = ending };
        replies.CopyTo(result.Recipients, 0);
        var content = Sample.Content(recipients: [.. Enumerable.Range(0, recipients).Select(i => $"r{i}@y.example")]);
        var rules = TransactionRules.Find(_judge, account, content, result, fresh);
        return SmtpVerdict.Judge(Sample.Ticket(), account.Key, content, result, everySender, rules);
    }
}
