using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Profiles;

namespace MailProxy.Pipeline.Send;

/// <summary>What a reply leads to.</summary>
internal enum ReplyEffect : byte
{
    /// <summary>No rule decides: the judgement by code and phase stands.</summary>
    ByPhase,

    /// <summary>Those whom it is about are tried again, by the schedule and not before the rule's wait.</summary>
    Retry,

    /// <summary>Those whom it is about have failed.</summary>
    Refuse,

    /// <summary>The account rests, and its mail loses no attempt.</summary>
    Account,

    /// <summary>Those whom it is about go out at once, in the next transaction.</summary>
    Again,

    /// <summary>The connection has served its time: nobody is to blame, and the mail goes out at once on another.</summary>
    Reconnect,
}

/// <summary>
/// What the program can do today for what rules ask. The one place to extend: what cannot be done is mapped to the nearest thing there
/// is. Pure.
/// </summary>
internal static class RuleEffects
{
    private static readonly TimeSpan ShortestSlow = TimeSpan.FromSeconds(2);

    /// <param name="isDestination">The mail ends at the account's servers: a destination is all that the account has.</param>
    public static ReplyEffect Of(ReplyRule? rule, SmtpPhase phase, bool isDestination) =>
        rule switch
        {
            null or { Action: RuleAction.Hint } => ReplyEffect.ByPhase,
            { Action: RuleAction.Reconnect } => ReplyEffect.Reconnect,
            { Action: RuleAction.NextTransaction or RuleAction.OneDestination } => OfMail(phase, ReplyEffect.Again),
            { Action: RuleAction.Retry } => OfMail(phase, ReplyEffect.Retry),
            { Action: RuleAction.Fail or RuleAction.Exclude } => OfMail(phase, ReplyEffect.Refuse),

            // Through a relay the others' mail goes on; before RCPT nobody is known whose mail could wait.
            { Scope: RuleScope.Destination } => isDestination || phase <= SmtpPhase.Mail ? ReplyEffect.Account : ReplyEffect.Retry,
            _ => ReplyEffect.Account,
        };

    /// <summary>The trouble, as the rule sees it.</summary>
    public static AccountTrouble Seen(AccountTrouble trouble, ReplyRule? rule) =>
        rule is null
            ? trouble
            : trouble with
            {
                Kind = rule.Action == RuleAction.Hint ? trouble.Kind : KindOf(rule),
                Rule = rule.FullName,
                Remedy = trouble.Remedy ?? rule.Remedy,
                OfProviderTenant = rule is { Scope: RuleScope.ProviderTenant, Action: not RuleAction.Hint },
                Slow = SlowOf(rule),
                Steps = rule.Action == RuleAction.Hint ? [] : StepsOf(rule),
            };

    /// <summary>Whether the server wants to see the same client again before it takes the mail.</summary>
    public static bool IsGreylisting(ReplyRule? rule, SmtpReply reply) =>
        reply.IsTransient && (rule?.SameAccount ?? reply is { Code: 450 or 451, EnhancedCode: "4.7.1" });

    /// <summary>How long a recipient waits at least.</summary>
    public static TimeSpan? WaitOf(ReplyRule rule) => StepsOf(rule) is [var first, ..] ? first : null;

    /// <summary>What is asked of the rate at which the account's mail to the recipient's domain goes; null: nothing.</summary>
    public static SlowDown? SlowOfDestination(ReplyRule? rule) => rule is { Scope: RuleScope.Destination } ? SlowOf(rule) : null;

    // There is no mail yet that it could be about.
    private static ReplyEffect OfMail(SmtpPhase phase, ReplyEffect effect) => phase < SmtpPhase.Mail ? ReplyEffect.ByPhase : effect;

    private static IReadOnlyList<TimeSpan> StepsOf(ReplyRule rule) =>
        rule switch
        {
            { Waits.Count: > 0 } => rule.Waits,
            { Action: RuleAction.Close, Lasts: { } whole } => [whole],
            { Action: RuleAction.Slow, PerMinute: { } rate } => [TimeSpan.FromMinutes(Math.Max(1.0 / rate, ShortestSlow.TotalMinutes))],
            { Action: RuleAction.Slow } => [ShortestSlow],
            _ => [],
        };

    private static SlowDown? SlowOf(ReplyRule rule) =>
        rule is { Action: RuleAction.Slow } && (rule.RateFactor is not null || rule.PerMinute is not null)
            ? new(rule.RateFactor, rule.PerMinute, rule.Lasts)
            : null;

    private static TroubleKind KindOf(ReplyRule rule) =>
        rule.Circuit switch
        {
            CircuitKind.Authentication => TroubleKind.Authentication,
            CircuitKind.Connection => TroubleKind.Connect,
            CircuitKind.Tls => TroubleKind.Tls,
            CircuitKind.Protocol => TroubleKind.Protocol,
            CircuitKind.Quota => TroubleKind.Quota,
            _ => TroubleKind.Throttled,
        };
}
