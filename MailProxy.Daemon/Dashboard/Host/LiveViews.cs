namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Bounds the views that are open live: each holds memory and asks again and again.</summary>
internal sealed class LiveViews(DashboardOptions options)
{
    private int _open;

    /// <summary>Null: as many are open as may be.</summary>
    public IDisposable? TryOpen()
    {
        if (Interlocked.Increment(ref _open) <= options.MaxLiveViews)
            return new View(this);
        Interlocked.Decrement(ref _open);
        return null;
    }

    private sealed class View(LiveViews views) : IDisposable
    {
        private bool _closed;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _closed, true))
                Interlocked.Decrement(ref views._open);
        }
    }
}
