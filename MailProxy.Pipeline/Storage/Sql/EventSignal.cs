using System.Diagnostics;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Signals reporters that events were committed, so that they need not poll the store.</summary>
internal sealed class EventSignal(long last)
{
    private static readonly TimeSpan EverySoOften = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _first = last;
    private readonly Dictionary<string, News> _tenants = new(StringComparer.Ordinal);
    private long _last = last,
        _seen,
        _toldAll = last,
        _toldAllAt; // Stopwatch time

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

    /// <summary>Told of what this node has committed, after those who wait here. On the writer's thread.</summary>
    public Action<long, IReadOnlyCollection<string>>? Committed { get; set; }

    /// <summary>Called after a commit of this node; one without events is of no interest.</summary>
    /// <param name="tenants">The tenants whose events were committed.</param>
    public void Publish(long last, IReadOnlyCollection<string> tenants)
    {
        PublishTo(last, tenants);
        if (tenants.Count > 0)
            Committed?.Invoke(last, tenants);
    }

    /// <summary>Events of these tenants were committed, here or by another node. News may come out of order.</summary>
    public void PublishTo(long last, IReadOnlyCollection<string> tenants)
    {
        TaskCompletionSource? done = null;
        List<TaskCompletionSource> theirs = [];
        lock (_gate)
        {
            if (last > _last)
            {
                _last = last;
                done = _next;
                _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            foreach (var tenant in tenants)
                Renew(tenant, last, theirs);
        }

        done?.SetResult();
        foreach (var one in theirs)
            one.SetResult();
    }

    /// <summary>
    /// Events were committed, perhaps by another node; whose is not known. What this node has committed behind them is no sign that all
    /// have heard of them: at times everybody is told.
    /// </summary>
    public void PublishToAll(long last)
    {
        string[] all;
        lock (_gate)
        {
            if (last <= _last && (last <= _toldAll || Stopwatch.GetElapsedTime(_toldAllAt) < EverySoOften))
                return;
            (_toldAll, _toldAllAt) = (last, Stopwatch.GetTimestamp());
            all = [.. _tenants.Keys];
        }

        PublishTo(last, all);
    }

    private void Renew(string tenant, long last, List<TaskCompletionSource> done)
    {
        if (!_tenants.TryGetValue(tenant, out var news))
            _tenants[tenant] = news = new();
        if (last <= news.Last)
            return;
        done.Add(news.Next);
        (news.Last, news.Next) = (last, new(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    private sealed class News
    {
        public long Last { get; set; }
        public TaskCompletionSource Next { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
