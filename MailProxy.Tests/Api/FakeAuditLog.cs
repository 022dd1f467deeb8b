using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>The audit log in memory.</summary>
internal sealed class FakeAuditLog : IAuditLog
{
    private readonly Lock _lock = new();
    private readonly List<AuditEntry> _entries = [];

    public IReadOnlyList<AuditEntry> Entries
    {
        get
        {
            lock (_lock)
                return [.. _entries];
        }
    }

    public Task AppendAsync(string actor, string action, string subject, string? detail)
    {
        lock (_lock)
            _entries.Add(new(_entries.Count + 1, 1_000 * (_entries.Count + 1), actor, action, subject, null, detail));
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<AuditEntry>> ReadAsync(long after, int limit) =>
        Task.FromResult<IReadOnlyList<AuditEntry>>([.. Entries.Where(e => e.Number > after).Take(limit)]);

    public Task<IReadOnlyList<AuditEntry>> ReadBackAsync(long before, int limit) =>
        Task.FromResult<IReadOnlyList<AuditEntry>>([.. Entries.Where(e => e.Number < before).Reverse().Take(limit)]);
}
