using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Profiles;

/// <summary>Judges refusals by the profile of the account's host, holds back the rules whose threshold is not reached, and tells in metric
/// and log which rule spoke. From any thread.</summary>
public sealed partial class ReplyJudge(ProfileSet profiles, TimeProvider clock, PipelineMetrics metrics, ILogger logger)
{
    private static readonly TimeSpan ToldEach = TimeSpan.FromHours(1);

    private readonly RuleTally _thresholds = new(clock);
    private readonly RuleTally _told = new(clock);

    public ProviderProfile Of(SmtpAccount account) => profiles.For(account.Host);

    /// <summary>The rule that decides; null: none does, and the built-in judgement stands.</summary>
    /// <param name="about">Whom it would be about: gives the domain or the sender for the rule's scope; null when nobody is known.</param>
    public ReplyRule? Judge(SmtpAccount account, ReplyPhase phase, int code, string text, Func<RuleScope, string?> about)
    {
        if (Of(account).Judge(phase, code, text) is not { } rule)
            return null;
        if (rule.Times > 1 && _thresholds.Add(account.Key, rule, about(rule.Scope), rule.Times, rule.Within) < rule.Times)
            return null;
        metrics.RulesMatched.WithLabels(rule.Profile, rule.Name).Inc();
        Tell(account, rule, code);
        return rule;
    }

    /// <summary>Forgets the accounts that are gone.</summary>
    public void Forget(Predicate<AccountKey> isGone)
    {
        _thresholds.Forget(isGone);
        _told.Forget(isGone);
    }

    // What is about one recipient or message comes as often as mail does; the rest is for the operator, once an hour.
    private void Tell(SmtpAccount account, ReplyRule rule, int code)
    {
        var (scope, action) = (RuleTerms.Scopes.Of(rule.Scope), RuleTerms.Actions.Of(rule.Action));
        Log.Matched(logger, account.ToString(), code, rule.FullName, scope, action);
        var wide = rule.Scope is not (RuleScope.Recipient or RuleScope.Message) || rule.Alarm;
        if (!wide || _told.Add(account.Key, rule, null, 2, ToldEach) > 1)
            return;
        if (rule.Alarm || rule.Action == RuleAction.Open)
            Log.Alarm(logger, account.ToString(), account.Host, code, rule.FullName, scope, action, rule.Remedy);
        else
            Log.Told(logger, account.ToString(), account.Host, code, rule.FullName, scope, action);
    }

    private static partial class Log
    {
        [LoggerMessage(520, LogLevel.Debug, "A reply {Code} to account {Account} matched the rule {Rule}: {Scope}, {Action}")]
        public static partial void Matched(ILogger logger, string account, int code, string rule, string scope, string action);

        [LoggerMessage(
            521,
            LogLevel.Information,
            "Account {Account} ({Server}): a reply {Code} matched the rule {Rule} ({Scope}, {Action}); told once an hour"
        )]
        public static partial void Told(ILogger logger, string account, string? server, int code, string rule, string scope, string action);

        [LoggerMessage(
            522,
            LogLevel.Warning,
            "Account {Account} ({Server}): a reply {Code} matched the rule {Rule} ({Scope}, {Action}); told once an hour. {Remedy}"
        )]
        public static partial void Alarm(
            ILogger logger,
            string account,
            string? server,
            int code,
            string rule,
            string scope,
            string action,
            string? remedy
        );
    }
}
