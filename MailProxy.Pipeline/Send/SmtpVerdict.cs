using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>Who is to blame (section 4 of the HTTP contract): from facts to an outcome, by reply code, enhanced code, phase and kind of end; never by a reply's words. Pure.</summary>
internal static class SmtpVerdict
{
    /// <summary>The account backs off and the message loses no attempt.</summary>
    public static bool BlamesAccount(SmtpPhase phase, int code) => code switch
    {
        421 or 454 or 530 or 534 or 535 or 538 => true,
        >= 500 and <= 504 => phase is not (SmtpPhase.Recipient or SmtpPhase.Data or SmtpPhase.Final),
        >= 400 and < 600 => false,

        // A reply out of turn. After the final dot it is no refusal, so it is not known who has the mail.
        >= 200 and < 300 => phase is not (SmtpPhase.Recipient or SmtpPhase.Final),
        _ => phase is not SmtpPhase.Final,
    };

    /// <summary>The outcome of a transaction whose attempt was marked.</summary>
    public static Outcome Judge(QueuedMail ticket, AccountKey account, MailContent content, TransactionResult result)
    {
        switch (result.End)
        {
            case TransactionEnd.Unmarked:
                return new Outcome.Dropped(ticket);
            case TransactionEnd.BadAddress:
                return Each(ticket, content, result, static (to, _) => new(to.Ordinal, to.Address, Verdict.Refused, null, "5.1.3", "The address cannot be put on the wire."));
            case TransactionEnd.Answered when result.Ending is { } ending && BlamesAccount(result.Phase, ending.Code):
                return new Outcome.AccountToBlame(ticket, Trouble(account, result.Phase, ending), content);
            // The server took the envelope and then broke off: it may be this very message that breaks it, so the message waits and not everybody.
            case TransactionEnd.Lost or TransactionEnd.TimedOut when result.Phase is SmtpPhase.Data or SmtpPhase.Body:
                return Each(ticket, content, result, (to, reply) => reply is { IsPositive: true } ? new(to.Ordinal, to.Address, Verdict.Deferred, null, "4.4.2", BrokenText(result)) : One(to, reply, result));
            case not TransactionEnd.Answered when result.Phase < SmtpPhase.Final:
                return new Outcome.AccountToBlame(ticket, Broken(account, result), content);
        }

        return Each(ticket, content, result, (to, reply) => One(to, reply, result));
    }

    /// <summary>Why an account has no connection.</summary>
    public static AccountTrouble Trouble(AccountKey account, SmtpOpenException failure) => failure.Reply is { } reply
        ? Trouble(account, failure.Phase, reply)
        : new(
            account,
            failure is { Phase: SmtpPhase.Authenticate, InnerException: NotSupportedException or MailKit.Security.AuthenticationException }
                ? TroubleKind.Authentication
                : KindOf(failure.Phase, code: null),
            null,
            null,
            SmtpReply.OneLine(failure.Message));

    /// <summary>The server turned a connection away before it knew who was calling: with too many of them, or with trouble of its own. Which of the two is seen by whether it bears others.</summary>
    public static bool BearsNoMore(SmtpOpenException failure) => failure is { Phase: SmtpPhase.Greeting or SmtpPhase.Hello, Reply.IsTransient: true };

    private static RecipientVerdict One(SliceRecipient to, SmtpReply? reply, TransactionResult result)
    {
        // MAIL refused: all of them. Else what RCPT said, and for the accepted what came of the body.
        if (result.Phase == SmtpPhase.Mail) return Settled(to, result.Ending!);
        if (reply is null) return new(to.Ordinal, to.Address, Verdict.NotTried, null, null, null);
        if (!reply.IsPositive)
        {
            var tooMany = result.AnyAccepted && (reply.Code == 552 || reply is { Code: 452, EnhancedCode: "4.5.3" });
            return tooMany ? new(to.Ordinal, to.Address, Verdict.NotTried, reply.Code, reply.EnhancedCode, reply.Text) : Settled(to, reply);
        }

        return result.Ending is { } ending && (ending.IsPositive || ending.IsTransient || ending.IsPermanent)
            ? Settled(to, ending)
            : new(to.Ordinal, to.Address, Verdict.InDoubt, result.Ending?.Code, "4.4.2", InDoubtText(result));
    }

    private static RecipientVerdict Settled(SliceRecipient to, SmtpReply reply) => new(
        to.Ordinal,
        to.Address,
        reply.IsPositive ? Verdict.Accepted : reply.IsTransient ? Verdict.Deferred : Verdict.Refused,
        reply.Code,
        reply.EnhancedCode,
        reply.Text,
        RetryHint.In(reply));

    private static Outcome.Attempted Each(QueuedMail ticket, MailContent content, TransactionResult result, Func<SliceRecipient, SmtpReply?, RecipientVerdict> judge)
    {
        var verdicts = new RecipientVerdict[content.Slice.Count];
        for (var i = 0; i < verdicts.Length; i++) verdicts[i] = judge(content.Slice[i], result.Recipients[i]);
        return new(ticket, content, verdicts);
    }

    private static AccountTrouble Trouble(AccountKey account, SmtpPhase phase, SmtpReply reply) =>
        new(account, KindOf(phase, reply.Code), reply.Code, reply.EnhancedCode, reply.Text, RetryHint.In(reply));

    private static AccountTrouble Broken(AccountKey account, TransactionResult result) => new(
        account,
        result.Fault is SmtpGarbageException ? TroubleKind.Protocol : TroubleKind.Connect,
        null,
        null,
        BrokenText(result));

    private static string BrokenText(TransactionResult result) => result.End switch
    {
        TransactionEnd.TimedOut => $"The server took too long ({result.Phase}).",
        TransactionEnd.Aborted => "The program was told to stop at once.",
        _ => SmtpReply.OneLine($"The connection was lost ({result.Phase}): {result.Fault?.Message}"),
    };

    private static string InDoubtText(TransactionResult result) => result.End switch
    {
        TransactionEnd.TimedOut => "No reply to the end of the message in time.",
        TransactionEnd.Aborted => "The program stopped before the reply to the end of the message.",
        TransactionEnd.Answered => SmtpReply.OneLine($"A reply that is neither success nor failure: {result.Ending?.Code} {result.Ending?.Text}"),
        _ => SmtpReply.OneLine($"The connection was lost before the reply to the end of the message: {result.Fault?.Message}"),
    };

    private static TroubleKind KindOf(SmtpPhase phase, int? code) => (phase, code) switch
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
