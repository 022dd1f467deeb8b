using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Profiles;

namespace MailProxy.Pipeline.Send;

/// <summary>The rules that speak of a transaction's replies. The default has none.</summary>
internal readonly record struct TransactionRules
{
    private readonly ReplyRule?[]? _recipients;
    private readonly bool _isDestination;

    private TransactionRules(ReplyRule? ending, ReplyRule?[]? recipients, bool isDestination) =>
        (Ending, _recipients, _isDestination) = (ending, recipients, isDestination);

    /// <summary>That of the reply with which the transaction ended.</summary>
    public ReplyRule? Ending { get; }

    /// <summary>That of the reply to a RCPT.</summary>
    public ReplyRule? Of(int recipient) => _recipients?[recipient];

    public ReplyEffect EndingEffect(SmtpPhase phase) => RuleEffects.Of(Ending, phase, _isDestination);

    public ReplyEffect EffectOf(int recipient) => RuleEffects.Of(Of(recipient), SmtpPhase.Recipient, _isDestination);

    /// <summary>The connection is not used again.</summary>
    public bool EndConnection => Each.Any(static rule => rule.Action == RuleAction.Reconnect);

    /// <summary>Those that ask for fewer connections.</summary>
    public IEnumerable<ReplyRule> OnConnections =>
        Each.Where(static rule => rule.Connections is not null || rule.FewerConnections is not null);

    private IEnumerable<ReplyRule> Each => (_recipients ?? []).Append(Ending).OfType<ReplyRule>();

    /// <summary>Asks for every refusal.</summary>
    /// <param name="fresh">The connection has carried nothing before: that it has served its time cannot be.</param>
    public static TransactionRules Find(ReplyJudge judge, SmtpAccount account, MailContent content, TransactionResult result, bool fresh) =>
        result.Ending is { Refuses: true } || Array.Exists(result.Recipients, static reply => reply is { Refuses: true })
            ? InRefusals(judge, account, content, result, fresh)
            : default;

    /// <summary>That of the reply with which the opening of a connection failed; null: none speaks of the account.</summary>
    public static ReplyRule? Find(ReplyJudge judge, SmtpAccount account, SmtpOpenException failure) =>
        failure.Reply is { Refuses: true } reply
            ? AboutAccount(judge.Judge(account, PhaseOf(failure.Phase), reply.Code, reply.Text, static _ => null), failure.Phase)
            : null;

    /// <summary>The same without counting and telling: for a person who tries the account.</summary>
    public static ReplyRule? Find(ProfileSet profiles, SmtpAccount account, SmtpOpenException failure) =>
        failure.Reply is { Refuses: true } reply
            ? AboutAccount(profiles.For(account.Host).Judge(PhaseOf(failure.Phase), reply.Code, reply.Text), failure.Phase)
            : null;

    private static ReplyRule? AboutAccount(ReplyRule? rule, SmtpPhase phase) =>
        RuleEffects.Of(rule, phase, isDestination: true) == ReplyEffect.Account || rule is { Action: RuleAction.Hint } ? rule : null;

    private static TransactionRules InRefusals(
        ReplyJudge judge,
        SmtpAccount account,
        MailContent content,
        TransactionResult result,
        bool fresh
    )
    {
        ReplyRule?[]? recipients = null;
        for (var i = 0; i < result.Recipients.Length; i++)
        {
            if (result.Recipients[i] is { Refuses: true } reply && Ask(SmtpPhase.Recipient, reply, content.Slice[i].Address) is { } rule)
                (recipients ??= new ReplyRule?[result.Recipients.Length])[i] = rule;
        }

        // That which ended the RCPTs answers the first that has no other answer.
        var next = result.Phase == SmtpPhase.Recipient ? Array.IndexOf(result.Recipients, null) : 0;
        var ending = result.Ending is { Refuses: true } last
            ? Ask(result.Phase, last, next >= 0 ? content.Slice[next].Address : null)
            : null;
        return ending is null && recipients is null ? default : new(ending, recipients, judge.Of(account).IsDestination);

        ReplyRule? Ask(SmtpPhase phase, SmtpReply reply, string? recipient)
        {
            var rule = judge.Judge(
                account,
                PhaseOf(phase),
                reply.Code,
                reply.Text,
                scope =>
                    scope == RuleScope.Sender ? content.EnvelopeSender
                    : scope == RuleScope.Destination ? recipient?[(recipient.LastIndexOf('@') + 1)..]
                    : null
            );
            return fresh && rule is { Action: RuleAction.Reconnect } ? null : rule;
        }
    }

    private static ReplyPhase PhaseOf(SmtpPhase phase) =>
        phase switch
        {
            SmtpPhase.Connect or SmtpPhase.Greeting => ReplyPhase.Greeting,
            SmtpPhase.Hello => ReplyPhase.Hello,
            SmtpPhase.StartTls or SmtpPhase.Handshake => ReplyPhase.StartTls,
            SmtpPhase.Authenticate => ReplyPhase.Authenticate,
            SmtpPhase.Idle or SmtpPhase.Mail => ReplyPhase.Mail,
            SmtpPhase.Recipient => ReplyPhase.Recipient,
            SmtpPhase.Data => ReplyPhase.Data,
            _ => ReplyPhase.Final,
        };
}
