using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Turns stored messages into answers, and says why each one waits.</summary>
internal sealed class MessageAnswers(ISendingStore accounts, CurrentAccounts current, DispatcherControl dispatcher, TimeProvider clock)
{
    public MessageAnswer Of(MessageView view) =>
        new(
            view.Key.Id,
            view.Key.Tenant,
            view.State.Name(),
            view.State.IsFinal(),
            view.Revision,
            accounts.NameOf(view.Account),
            view.Pool is { } pool ? current.Directory.Pools.Find(pool)?.Id : null,
            view.Priority.Name(),
            view.EnvelopeSender,
            view.Subject,
            Times.Utc(view.CreatedAt),
            Times.Utc(view.SendAt),
            Times.Utc(view.ExpiresAt),
            Times.Utc(view.NextAttemptAt),
            view.Attempts,
            view.HoldReason,
            view.PossibleDuplicate,
            view.MessageIdHeader,
            view.Batch,
            view.Tags is null ? null : JsonElement.Parse(view.Tags),
            view.Metadata is null ? null : JsonElement.Parse(view.Metadata),
            view.OnAmbiguous.Name(),
            Waiting(view),
            [.. view.Recipients.Select(r => new RecipientAnswer(r.Address, r.State.Name(), r.SmtpCode, r.EnhancedCode, r.Reply, r.Rule))]
        );

    public AttemptList Of(IReadOnlyList<MailAttemptView> attempts) => new([.. attempts.Select(Of)]);

    private AttemptAnswer Of(MailAttemptView attempt) =>
        new(
            attempt.Number,
            attempt.Counts,
            attempt.Times,
            accounts.NameOf(attempt.Account),
            Times.Utc(attempt.BeganAt),
            Times.Utc(attempt.EndedAt),
            attempt.Detail?.Outcome,
            attempt.Detail?.Server,
            attempt.Detail?.Address,
            attempt.Detail?.Tls,
            attempt.Detail?.Reused ?? false,
            attempt.Detail?.Error,
            [.. (attempt.Detail?.Lines ?? []).Select(static line => new DialogueLineAnswer(line.Ms, line.Line))],
            attempt.Detail?.LeftOut ?? 0
        );

    private WaitAnswer? Waiting(MessageView view)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return WaitReason.Of(
            view,
            current.Directory.OfLane(view.Lane),
            dispatcher.IsSuspended(),
            Lanes.PoolOf(view.Lane) is null
                ? dispatcher.Waiting(Lanes.AccountOf(view.Lane))
                : dispatcher.Lane(view.Lane).Gates.FirstOrDefault(),
            now,
            dispatcher.SetAsideFor(view.Number)
        );
    }
}
