namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Signals reporters that events were committed, so that they need not poll the store.</summary>
internal sealed class EventSignal(long last)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _first = last;
    private readonly Dictionary<string, News> _tenants = new(StringComparer.Ordinal);
    private long _last = last,
        _seen;

    /// <summary>The position of the last committed event; 0: none yet.</summary>
    public long Last => Math.Max(Volatile.Read(ref _last), Volatile.Read(ref _seen));

    /// <summary>
    /// Somebody read as far as this. Readers see a commit before it is published, and what they have read must not be beyond the end.
    /// </summary>
    public void Saw(long position)
    {
        lock (_gate)
            _seen = Math.Max(_seen, position);
    }

    /// <summary>Completes when an event beyond this position is committed.</summary>
    public async Task WaitBeyondAsync(long position, CancellationToken cancel)
    {
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (_last > position)
                    return;
                next = _next.Task;
            }

            await next.WaitAsync(cancel);
        }
    }

    /// <summary>
    /// Completes when an event of this tenant beyond a position is committed; completes at once for a position before the end of the log
    /// at start.
    /// </summary>
    public async Task WaitBeyondAsync(string tenant, long position, CancellationToken cancel)
    {
        while (true)
        {
            Task next;
            lock (_gate)
            {
                if (position < _first)
                    return;
                if (!_tenants.TryGetValue(tenant, out var news))
                    _tenants[tenant] = news = new();
                if (news.Last > position)
                    return;
                next = news.Next.Task;
            }

            await next.WaitAsync(cancel);
        }
    }

    /// <summary>Called after the commit; a lower position than before is ignored.</summary>
    /// <param name="tenants">The tenants whose events were committed.</param>
    public void Publish(long last, IReadOnlyCollection<string> tenants)
    {
        TaskCompletionSource done;
        TaskCompletionSource[] theirs;
        lock (_gate)
        {
            if (last <= _last)
                return;
            _last = last;
            done = _next;
            _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            theirs = [.. tenants.Select(tenant => Renew(tenant, last))];
        }

        done.SetResult();
        foreach (var one in theirs)
            one.SetResult();
    }

    private TaskCompletionSource Renew(string tenant, long last)
    {
        if (!_tenants.TryGetValue(tenant, out var news))
            _tenants[tenant] = news = new();
        var done = news.Next;
        (news.Last, news.Next) = (last, new(TaskCreationOptions.RunContinuationsAsynchronously));
        return done;
    }

    private sealed class News
    {
        public long Last { get; set; }
        public TaskCompletionSource Next { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
