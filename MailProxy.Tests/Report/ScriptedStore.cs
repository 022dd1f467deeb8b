using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Report;

/// <summary>The one verb of the store that the Report stage uses, by a script.</summary>
internal sealed class ScriptedStore : IMessageStore
{
    private readonly Lock _gate = new();
    private readonly List<IReadOnlyList<Settlement>> _commits = [];

    /// <summary>Makes each commit's answer; by default every row changes.</summary>
    public Func<IReadOnlyList<Settlement>, Task<IReadOnlyList<bool>>> Commit { get; set; } = AllWritten;

    public IReadOnlyList<IReadOnlyList<Settlement>> Commits
    {
        get
        {
            lock (_gate)
                return [.. _commits];
        }
    }

    public static Task<IReadOnlyList<bool>> AllWritten(IReadOnlyList<Settlement> writes) =>
        Task.FromResult<IReadOnlyList<bool>>([.. writes.Select(_ => true)]);

    public Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Settlement> writes)
    {
        lock (_gate)
            _commits.Add([.. writes]);
        return Commit(writes);
    }

    public Task<Recovery> RecoverAsync(long now) => throw new NotSupportedException();

    public Task<Appended> AppendAsync(Func<IReadOnlyList<AcceptedBatch>> take) => throw new NotSupportedException();

    public Task<ClaimedPage> ClaimAsync(LaneKey lane, ClaimRequest request) => throw new NotSupportedException();

    public void Release(QueuedMail ticket) => throw new NotSupportedException();

    public ValueTask<MailContent?> LoadAsync(QueuedMail ticket, int maxRecipients) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<MailContent?>> LoadTogetherAsync(IReadOnlyList<LoadRequest> wanted) => throw new NotSupportedException();

    public Task<ChangeResult> ChangeAsync(MessageKey key, MessageChange change, string actor, long now) =>
        throw new NotSupportedException();

    public Task<ExpirySweep> ExpireAsync(long now, int limit) => throw new NotSupportedException();
}
