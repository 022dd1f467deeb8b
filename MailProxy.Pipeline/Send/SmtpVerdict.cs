using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Profiles;

namespace MailProxy.Pipeline.Send;

/// <summary>Who is to blame (section 4 of the HTTP contract): from facts to an outcome. Where a rule of the provider's profile speaks of a
/// reply it decides; else reply code, enhanced code, phase and kind of end do. Pure.</summary>
internal static class SmtpVerdict
{
    /// <summary>The account backs off and the message loses no attempt.</summary>
    public static bool BlamesAccount(SmtpPhase phase, int code) =>
        code switch
        {
            421 or 454 or 530 or 534 or 535 or 538 => true,

            // Unknown commands and lost order at MAIL are between the two programs; 501 is what is said of the sender's address.
            500 or 502 or 503 or 504 => phase is not (SmtpPhase.Recipient or SmtpPhase.Data or SmtpPhase.Body or SmtpPhase.Final),
            501 => phase < SmtpPhase.Mail,
            >= 400 and < 600 => phase < SmtpPhase.Mail,

            // A reply out of turn. After the final dot it is no refusal, so it is not known who has the mail.
            >= 200 and < 300 => phase is not (SmtpPhase.Recipient or SmtpPhase.Final),
            _ => phase is not SmtpPhase.Final,
        };

    /// <summary>The same, of a whole reply: 5.1.7 (bad sender's address) at MAIL is the message's, whatever the code.</summary>
    public static bool BlamesAccount(SmtpPhase phase, SmtpReply reply) =>
        BlamesAccount(phase, reply.Code) && (phase != SmtpPhase.Mail || reply is not { Code: >= 500 and <= 504, EnhancedCode: "5.1.7" });

    /// <summary>Whether MAIL was refused in a way that is the message's, as long as not every sender meets the same: see
    /// <see cref="SenderRefusals"/>.</summary>
    public static bool RefusesSender(TransactionResult result) =>
        result is { Phase: SmtpPhase.Mail, Unasked: false, Ending: { IsPermanent: true } ending } && !BlamesAccount(SmtpPhase.Mail, ending);

    /// <summary>The outcome of a transaction whose attempt was marked. What was read stands, whatever the connection did next; who got
    /// no answer goes again, without losing an attempt.</summary>
    /// <param name="everySender">The server refuses every sender of the account alike, so it is not the message's fault.</param>
    /// <param name="rules">The rules that speak of its replies.</param>
    public static Outcome Judge(
        QueuedMail ticket,
        AccountKey account,
        MailContent content,
        TransactionResult result,
        bool everySender = false,
        TransactionRules rules = default
    )
    {
        if (result.End == TransactionEnd.Unmarked)
            return new Outcome.Dropped(ticket);
        if (result.End == TransactionEnd.BadAddress)
        {
            return new Outcome.Attempted(
                ticket,
                content,
                Each(
                    content,
                    result,
                    static (to, _) => new(to.Ordinal, to.Address, Verdict.Refused, null, "5.1.3", "The address cannot be put on the wire.")
                )
            );
        }

        var trouble = TroubleOf(account, result, everySender && RefusesSender(result), rules);
        var verdicts = Each(content, result, (to, i) => One(to, i, result, trouble, rules));
        trouble ??= TroubleOfRecipients(account, result, rules) ?? (result.PathIsSilent ? Broken(account, result) : null);
        var settled = verdicts.Any(static verdict => verdict.Verdict != Verdict.NotTried);
        if (settled)
            return new Outcome.Attempted(ticket, content, verdicts) { Trouble = trouble };
        if (result.End == TransactionEnd.Aborted || (trouble is null && rules.EndConnection))
            return new Outcome.Released(ticket, content);
        return new Outcome.AccountToBlame(ticket, trouble ?? Broken(account, result), content);
    }

    /// <summary>Why an account has no connection.</summary>
    /// <param name="rule">The rule that speaks of the server's reply.</param>
    public static AccountTrouble Trouble(AccountKey account, SmtpOpenException failure, ReplyRule? rule = null) =>
        failure.Reply is { } reply
            ? RuleEffects.Seen(Trouble(account, failure.Phase, reply) with { Remedy = failure.Remedy }, rule)
            : new(
                account,
                failure.Kind ?? KindOf(failure.Phase, code: null),
                null,
                null,
                SmtpReply.OneLine(failure.Message),
                failure.RetryAfter
            );

    /// <summary>The server turned a connection away before it knew who was calling: with too many of them, or with trouble of its own.
    /// Which of the two is seen by whether it bears others.</summary>
    public static bool BearsNoMore(SmtpOpenException failure) =>
        failure is { Phase: SmtpPhase.Greeting or SmtpPhase.Hello, Reply.IsTransient: true };

    /// <summary>What speaks against the account; null: nothing, the replies are about the mail.</summary>
    private static AccountTrouble? TroubleOf(AccountKey account, TransactionResult result, bool everySender, TransactionRules rules)
    {
        if (result.Ending is { } ending)
        {
            if (everySender)
            {
                return Trouble(account, result.Phase, ending) with
                {
                    Reply = SmtpReply.OneLine($"Every sender is refused alike: {ending.Text}"),
                };
            }

            return rules.EndingEffect(result.Phase) switch
            {
                ReplyEffect.Account => RuleEffects.Seen(Trouble(account, result.Phase, ending), rules.Ending),
                ReplyEffect.ByPhase when result.Unasked || BlamesAccount(result.Phase, ending) => RuleEffects.Seen(
                    Trouble(account, result.Phase, ending),
                    rules.Ending
                ),
                _ => null,
            };
        }

        return result switch
        {
            { End: TransactionEnd.Answered or TransactionEnd.Aborted } or { Phase: SmtpPhase.Final } => null,

            // Everybody was refused; what came after that is about nobody.
            { Phase: SmtpPhase.Recipient } when Array.TrueForAll(result.Recipients, static reply => reply is { Refuses: true }) => null,

            // The server took the envelope and then broke off: it may be this very message that breaks it, so the message waits and not
            // everybody.
            { End: TransactionEnd.Lost or TransactionEnd.TimedOut, Phase: SmtpPhase.Data or SmtpPhase.Body } => null,

            // It refused somebody and hung up over that: no news about the account, and the others go at once on a new connection.
            { End: TransactionEnd.Lost, Phase: SmtpPhase.Recipient, Fault: not SmtpGarbageException } when AnySettled(result) => null,
            _ => Broken(account, result),
        };
    }

    // What a rule reads out of the reply to a RCPT can be the account's, whatever became of the others.
    private static AccountTrouble? TroubleOfRecipients(AccountKey account, TransactionResult result, TransactionRules rules)
    {
        for (var i = 0; i < result.Recipients.Length; i++)
        {
            if (result.Recipients[i] is { Refuses: true } reply && rules.EffectOf(i) == ReplyEffect.Account)
                return RuleEffects.Seen(Trouble(account, SmtpPhase.Recipient, reply), rules.Of(i));
        }

        return null;
    }

    private static bool AnySettled(TransactionResult result)
    {
        for (var i = 0; i < result.Recipients.Length; i++)
        {
            if (result.Recipients[i] is { Refuses: true } && !IsTooMany(result, i))
                return true;
        }

        return false;
    }

    private static RecipientVerdict One(
        SliceRecipient to,
        int index,
        TransactionResult result,
        AccountTrouble? trouble,
        TransactionRules rules
    )
    {
        // MAIL refused: all of them. Else what RCPT said, and for the accepted what came of the body.
        if (result.Phase == SmtpPhase.Mail)
            return trouble is null && result.Ending is { } no
                ? Ruled(to, no, rules.Ending, rules.EndingEffect(SmtpPhase.Mail))
                : NotTried(to, null);
        var reply = result.Recipients[index];
        if (reply is null && result is { WholeIsOut: true, Phase: SmtpPhase.Final, Ending: null })
            return new(to.Ordinal, to.Address, Verdict.InDoubt, null, "4.4.2", InDoubtText(result));
        if (reply is null)
        {
            // A rule can say of a 421 at RCPT that it is about whom it answers: the first without another answer.
            return
                result is { Phase: SmtpPhase.Recipient, Ending: { } its }
                && trouble is null
                && index == Array.IndexOf(result.Recipients, null)
                ? Ruled(to, its, rules.Ending, rules.EndingEffect(SmtpPhase.Recipient))
                : NotTried(to, null);
        }

        if (!reply.IsPositive)
        {
            return rules.EffectOf(index) switch
            {
                ReplyEffect.ByPhase when IsTooMany(result, index) => NotTried(to, reply),
                ReplyEffect.Again when !IsAfterAcceptance(result, index) => Settled(to, reply, rules.Of(index)),
                var effect => Ruled(to, reply, rules.Of(index), effect),
            };
        }

        if (trouble is not null || result is { Phase: SmtpPhase.Recipient })
            return NotTried(to, null);
        if (result is { End: TransactionEnd.Aborted, Phase: < SmtpPhase.Final, Ending: null })
            return NotTried(to, null);
        if (result.Ending is { } ending && (ending.IsPositive || ending.Refuses))
            return ending.IsPositive ? Settled(to, ending) : Ruled(to, ending, rules.Ending, rules.EndingEffect(result.Phase));

        // It refused somebody and hung up over that, and this one's DATA was on its way already: it goes at once on a new connection.
        if (result is { End: TransactionEnd.Lost, Phase: SmtpPhase.Data, Fault: not SmtpGarbageException } && AnySettled(result))
        {
            return NotTried(to, null);
        }

        return result.Phase == SmtpPhase.Final
            ? new(to.Ordinal, to.Address, Verdict.InDoubt, result.Ending?.Code, "4.4.2", InDoubtText(result))
            : new(to.Ordinal, to.Address, Verdict.Deferred, null, "4.4.2", BrokenText(result));
    }

    private static RecipientVerdict NotTried(SliceRecipient to, SmtpReply? reply) =>
        new(to.Ordinal, to.Address, Verdict.NotTried, reply?.Code, reply?.EnhancedCode, reply?.Text);

    // RFC 5321 section 4.5.3.1.10: 452 is the code, and 552 stands for it where servers follow RFC 821. An enhanced code that names another
    // cause (mailbox full, disk full) is that recipient's. Only after an acceptance, so that each transaction settles somebody.
    private static bool IsTooMany(TransactionResult result, int index) =>
        result.Recipients[index] is { Code: 452 or 552 } reply
        && (reply.IsPlain || reply.EnhancedCode.EndsWith(".5.3", StringComparison.Ordinal))
        && IsAfterAcceptance(result, index);

    private static bool IsAfterAcceptance(TransactionResult result, int index) =>
        Array.FindIndex(result.Recipients, static earlier => earlier is { IsPositive: true }) is var first and >= 0 && first < index;

    /// <summary>What a rule makes of a refusal.</summary>
    private static RecipientVerdict Ruled(SliceRecipient to, SmtpReply reply, ReplyRule? rule, ReplyEffect effect) =>
        effect switch
        {
            ReplyEffect.Retry => Settled(to, reply, rule) with { Verdict = Verdict.Deferred, LeastWait = RuleEffects.WaitOf(rule!) },
            ReplyEffect.Refuse => Settled(to, reply, rule) with { Verdict = Verdict.Refused },
            ReplyEffect.ByPhase => Settled(to, reply, rule),
            _ => NotTried(to, reply),
        };

    private static RecipientVerdict Settled(SliceRecipient to, SmtpReply reply, ReplyRule? rule = null) =>
        new(
            to.Ordinal,
            to.Address,
            reply.IsPositive ? Verdict.Accepted
                : reply.IsTransient ? Verdict.Deferred
                : Verdict.Refused,
            reply.Code,
            reply.EnhancedCode,
            reply.Text,
            RetryHint.In(reply)
        )
        {
            Rule = rule?.FullName,
            IsExcluded = rule?.Action == RuleAction.Exclude,
            IsGreylisted = RuleEffects.IsGreylisting(rule, reply),
            Slow = RuleEffects.SlowOfDestination(rule),
        };

    private static RecipientVerdict[] Each(MailContent content, TransactionResult result, Func<SliceRecipient, int, RecipientVerdict> judge)
    {
        var verdicts = new RecipientVerdict[result.Recipients.Length];
        for (var i = 0; i < verdicts.Length; i++)
            verdicts[i] = judge(content.Slice[i], i);
        return verdicts;
    }

    private static AccountTrouble Trouble(AccountKey account, SmtpPhase phase, SmtpReply reply) =>
        new(account, KindOf(phase, reply.Code), reply.Code, reply.EnhancedCode, reply.Text, RetryHint.In(reply));

    private static AccountTrouble Broken(AccountKey account, TransactionResult result) =>
        new(account, result.Fault is SmtpGarbageException ? TroubleKind.Protocol : TroubleKind.Connect, null, null, BrokenText(result));

    private static string BrokenText(TransactionResult result) =>
        result.End switch
        {
            TransactionEnd.TimedOut => SmtpReply.OneLine(result.Server.TookTooLong(result.Phase)),
            TransactionEnd.Aborted => "The program was told to stop at once.",
            _ => SmtpReply.OneLine(result.Server.Lost(result.Phase, result.Fault?.Message)),
        };

    private static string InDoubtText(TransactionResult result) =>
        result.End switch
        {
            TransactionEnd.TimedOut => "No reply to the end of the message in time.",
            TransactionEnd.Aborted => "The program stopped before the reply to the end of the message.",
            TransactionEnd.Answered => SmtpReply.OneLine(
                $"A reply that is neither success nor failure: {result.Ending?.Code} {result.Ending?.Text}"
            ),
            _ => SmtpReply.OneLine($"The connection was lost before the reply to the end of the message: {result.Fault?.Message}"),
        };

    private static TroubleKind KindOf(SmtpPhase phase, int? code) =>
        (phase, code) switch
        {
            (SmtpPhase.StartTls or SmtpPhase.Handshake, _) => TroubleKind.Tls,
            (_, 421 or 454) => TroubleKind.Throttled,
            (_, 530 or 534 or 535 or 538) => TroubleKind.Authentication,
            (SmtpPhase.Connect, _) => TroubleKind.Connect,
            (SmtpPhase.Greeting or SmtpPhase.Hello, _) => TroubleKind.Greeting,
            (SmtpPhase.Authenticate, >= 500) => TroubleKind.Authentication,
            (SmtpPhase.Authenticate, >= 400) => TroubleKind.Throttled,
            _ => TroubleKind.Protocol,
        };
}
