using MailProxy.Pipeline.Accounts;

namespace MailProxy.Tests.Api;

/// <summary>Uses of keys in memory.</summary>
internal sealed class FakeKeyUseStore : IKeyUseStore
{
    private readonly Lock _lock = new();

    public List<(string Id, long At)> Uses { get; } = [];

    /// <summary>What a note of a use waits for.</summary>
    public Task NoteWritten { get; set; } = Task.CompletedTask;

    /// <summary>Completes with the first use.</summary>
    public TaskCompletionSource Used { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task NoteUseAsync(string tenant, string id, long at)
    {
        lock (_lock)
            Uses.Add((id, at));
        Used.TrySetResult();
        return NoteWritten;
    }
}
