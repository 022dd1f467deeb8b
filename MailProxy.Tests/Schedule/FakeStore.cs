using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Schedule;

/// <summary>The part of a store that the scheduler sees, in memory: rows, claims, expiry; and a count of what was asked.</summary>
internal sealed class FakeStore : IMessageStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, QueuedMail> _rows = [];
    private readonly HashSet<long> _claimed = [];
    private int _asked;
    private int _sweeps;

    /// <summary>Thrown by every read while it is set.</summary>
    public Exception? Trouble { get; set; }

    /// <summary>What sweeps answer, in order; then nothing expired and nothing will.</summary>
    public Queue<ExpirySweep> Sweeps { get; } = new();

    /// <summary>How often <see cref="ClaimAsync"/> was called.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public int Swept => Volatile.Read(ref _sweeps);

    public int Claimed
    {
        get
        {
            lock (_gate)
                return _claimed.Count;
        }
    }

    public void Add(params QueuedMail[] tickets)
    {
        lock (_gate)
        {
            foreach (var ticket in tickets)
                _rows[ticket.Id] = ticket;
        }
    }

    /// <summary>A row that was appended just now: claimed for whoever gets the ticket.</summary>
    public QueuedMail Append(QueuedMail ticket)
    {
        lock (_gate)
        {
            _rows[ticket.Id] = ticket;
            _claimed.Add(ticket.Id);
            return ticket;
        }
    }

    /// <summary>The attempt ended for good.</summary>
    public void Remove(QueuedMail ticket)
    {
        lock (_gate)
            _rows.Remove(ticket.Id);
    }

    public Task<ClaimedPage> ClaimAsync(LaneKey lane, ClaimRequest request)
    {
        Interlocked.Increment(ref _asked);
        if (Trouble is { } trouble)
            return Task.FromException<ClaimedPage>(trouble);
        lock (_gate)
        {
            var mine = _rows.Values.Where(r => r.Lane == lane && r.Priority <= request.LowestPriority && !_claimed.Contains(r.Id)).ToList();
            var due = mine.Where(r => r.Due <= request.Now && request.Enough?.Contains((r.Priority, r.Flow)) is not true)
                .OrderBy(r => r.Priority)
                .ThenBy(r => r.Due)
                .ThenBy(r => r.Id)
                .ToList();
            var page = due.Take(request.Count).ToList();
            foreach (var ticket in page)
                _claimed.Add(ticket.Id);
            return Task.FromResult(
                new ClaimedPage(
                    page,
                    due.Count > page.Count,
                    mine.Where(r => r.Due > request.Now).Select(r => r.Due).DefaultIfEmpty(long.MaxValue).Min()
                )
            );
        }
    }

    public void Release(QueuedMail ticket)
    {
        lock (_gate)
            _claimed.Remove(ticket.Id);
    }

    public Task<ExpirySweep> ExpireAsync(long now, int limit)
    {
        Interlocked.Increment(ref _sweeps);
        return Task.FromResult(Sweeps.TryDequeue(out var sweep) ? sweep : new(0, long.MaxValue));
    }

    public Task<Recovery> RecoverAsync(long now) => throw new NotSupportedException();

    public Task<Appended> AppendAsync(Func<IReadOnlyList<AcceptedBatch>> take) => throw new NotSupportedException();

    public ValueTask<MailContent?> LoadAsync(QueuedMail ticket, int maxRecipients) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<MailContent?>> LoadTogetherAsync(IReadOnlyList<LoadRequest> wanted) => throw new NotSupportedException();

    public Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Settlement> writes) => throw new NotSupportedException();

    public Task<ChangeResult> ChangeAsync(MessageKey key, MessageChange change, string actor, long now) =>
        throw new NotSupportedException();
}
