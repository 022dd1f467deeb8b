using System.Text.Json;
using MailProxy.Pipeline.Profiles;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.Profiles;

/// <summary>A reply with what it should be judged as.</summary>
/// <param name="Row">The row of the table of replies that every provider's profile must get right; null: another.</param>
/// <param name="Rule">The rule that should speak; null: none.</param>
/// <param name="Source">Who says that the reply exists.</param>
internal sealed record CorpusReply(
    int? Row,
    string Host,
    string Phase,
    int Code,
    string Text,
    string Scope,
    string Action,
    string? Rule,
    string Source
)
{
    public ReplyPhase At => RuleTerms.Phases.Find(Phase)!.Value;

    public override string ToString() => $"{Host} {Phase}: {Code} {Text}";
}

/// <summary>Replies of servers, written as short facts from public documentation.</summary>
internal static class Corpus
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNameCaseInsensitive = true };

    public static IReadOnlyList<CorpusReply> All { get; } =
    [
        .. Directory
            .EnumerateFiles(Repository.File("MailProxy.Tests/Profiles"), "corpus*.json")
            .Order(StringComparer.Ordinal)
            .SelectMany(static file => JsonSerializer.Deserialize<CorpusReply[]>(File.ReadAllText(file), Options)!),
    ];

    /// <summary>What the rule asks for; where none decides, what code and phase say.</summary>
    public static (string Scope, string Action) Judged(CorpusReply reply, ReplyRule? rule)
    {
        if (rule is { Action: not RuleAction.Hint })
            return (RuleTerms.Scopes.Of(rule.Scope), RuleTerms.Actions.Of(rule.Action));
        var (phase, said) = (PhaseOf(reply.At), SmtpReply.Of(reply.Code, reply.Text));
        if (SmtpVerdict.BlamesAccount(phase, said))
            return ("account", "back_off");
        if (phase != SmtpPhase.Recipient)
            return ("message", said.IsTransient ? "retry" : "fail");

        // As after an acceptance in the same transaction.
        var tooMany = said is { Code: 452 or 552 } && (said.IsPlain || said.EnhancedCode.EndsWith(".5.3", StringComparison.Ordinal));
        return (
            "recipient",
            tooMany ? "next_transaction"
            : said.IsTransient ? "retry"
            : "fail"
        );
    }

    private static SmtpPhase PhaseOf(ReplyPhase phase) =>
        phase switch
        {
            ReplyPhase.Greeting => SmtpPhase.Greeting,
            ReplyPhase.Hello => SmtpPhase.Hello,
            ReplyPhase.StartTls => SmtpPhase.StartTls,
            ReplyPhase.Authenticate => SmtpPhase.Authenticate,
            ReplyPhase.Mail => SmtpPhase.Mail,
            ReplyPhase.Recipient => SmtpPhase.Recipient,
            ReplyPhase.Data => SmtpPhase.Data,
            _ => SmtpPhase.Final,
        };
}
