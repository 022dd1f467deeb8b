using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>The detail of the events that settlements write.</summary>
internal static class SettlementDetail
{
    public sealed record Facts
    {
        public long? NextAttemptAt { get; init; }
        public string? HoldReason { get; init; }
        public AmbiguousPolicy? Policy { get; init; }
        public string? Reason { get; init; }
        public bool PossibleDuplicate { get; init; }
        public IReadOnlyList<RecipientView> Earlier { get; init; } = [];
        public IReadOnlyList<(string Address, RecipientUpdate Update)> Now { get; init; } = [];
    }

    public static byte[]? Make(Facts facts) =>
        EventDetail.Make(
            facts,
            static (json, facts) =>
            {
                if (facts.NextAttemptAt is { } due)
                    json.WriteString("next_attempt_at"u8, Timestamps.Write(due));
                if (facts.HoldReason is { } hold)
                    json.WriteString("hold_reason"u8, hold);
                if (facts.Policy is { } policy)
                    json.WriteString("policy"u8, policy.Name());
                if (facts.Reason is { } reason)
                    json.WriteString("reason"u8, reason);
                if (facts.PossibleDuplicate)
                    json.WriteBoolean("possible_duplicate"u8, true);
                json.WriteStartArray("recipients"u8);
                foreach (var view in facts.Earlier)
                    EventDetail.WriteRecipient(json, view.Address, view.State, view.SmtpCode, view.EnhancedCode, view.Reply, view.Rule);
                foreach (var (address, update) in facts.Now)
                {
                    EventDetail.WriteRecipient(
                        json,
                        address,
                        update.State,
                        update.SmtpCode,
                        update.EnhancedCode,
                        update.Reply,
                        update.Rule
                    );
                }

                json.WriteEndArray();
            }
        );
}
