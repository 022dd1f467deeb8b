using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Report;

/// <summary>Circuits that are kept, in memory.</summary>
internal sealed class MemoryCircuits : ICircuitStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<AccountKey, Circuit> _kept = [];

    /// <summary>Thrown by <see cref="SaveAsync"/> when set.</summary>
    public Exception? Fault { get; set; }

    public IReadOnlyDictionary<AccountKey, Circuit> Kept
    {
        get
        {
            lock (_gate)
                return new Dictionary<AccountKey, Circuit>(_kept);
        }
    }

    public Task<IReadOnlyList<Circuit>> AllAsync() => Task.FromResult<IReadOnlyList<Circuit>>([.. Kept.Values]);

    public Task SaveAsync(IReadOnlyCollection<KeyValuePair<AccountKey, Circuit?>> changed)
    {
        if (Fault is { } fault)
            return Task.FromException(fault);
        lock (_gate)
        {
            foreach (var (account, circuit) in changed)
            {
                if (circuit is null)
                    _kept.Remove(account);
                else
                    _kept[account] = circuit;
            }
        }

        return Task.CompletedTask;
    }
}
