using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>Only what people may change; the stages' verbs are not the edge's to call.</summary>
internal sealed class FakeMessageStore : IMessageStore
{
    public List<(MessageKey Key, MessageChange Change)> Changes { get; } = [];
    public Func<MessageKey, ChangeResult> Result { get; set; } = _ => new ChangeResult.NotFound();

    public Task<ChangeResult> ChangeAsync(MessageKey key, MessageChange change, string actor, long now)
    {
        Changes.Add((key, change));
        return Task.FromResult(Result(key));
    }

    public Task<Recovery> RecoverAsync(long now) => throw new NotSupportedException();

    public Task<Appended> AppendAsync(Func<IReadOnlyList<AcceptedBatch>> take) => throw new NotSupportedException();

    public Task<ClaimedPage> ClaimAsync(LaneKey lane, ClaimRequest request) => throw new NotSupportedException();

    public void Release(QueuedMail ticket) => throw new NotSupportedException();

    public ValueTask<MailContent?> LoadAsync(QueuedMail ticket, int maxRecipients) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<MailContent?>> LoadTogetherAsync(IReadOnlyList<LoadRequest> wanted) => throw new NotSupportedException();

    public Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Settlement> writes) => throw new NotSupportedException();

    public Task<ExpirySweep> ExpireAsync(long now, int limit) => throw new NotSupportedException();
}
