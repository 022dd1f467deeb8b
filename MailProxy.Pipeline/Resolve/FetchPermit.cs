namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The right to fetch one content and to keep its bytes until they are used. Shared by the fetch and by every mail that waits for the
/// content: the last to let go gives the capacity back.
/// </summary>
internal sealed class FetchPermit(FetchGovernor governor, FetchGovernor.Host host, long size)
{
    private readonly Lock _gate = new();
    private long _size = size;
    private int _holders = 1;
    private bool _running = true;
    private int _ready;

    /// <summary>What it really is; nobody is asked, for the bytes are coming already.</summary>
    public void Resize(long actual)
    {
        long change;
        lock (_gate)
        {
            change = actual - _size;
            _size = actual;
        }

        if (change != 0)
            governor.Change(host, 0, 0, change);
    }

    /// <summary>The fetch is over; its turn is the next one's.</summary>
    public void Landed()
    {
        lock (_gate)
        {
            if (!_running)
                return;
            _running = false;
        }

        governor.Change(host, -1, 0, 0);
    }

    /// <summary>One more waits for its use.</summary>
    public void Hold()
    {
        lock (_gate)
            _holders++;
    }

    /// <summary>A mail that has all it carries goes as soon as it may, and lets go then.</summary>
    public void Ready()
    {
        lock (_gate)
        {
            if (_ready++ > 0)
                return;
        }

        governor.Change(host, 0, 1, 0);
    }

    /// <summary>One fewer holds it.</summary>
    /// <param name="wasReady">It had called <see cref="Ready"/>.</param>
    public void Release(bool wasReady = false)
    {
        bool last,
            lastReady;
        lock (_gate)
        {
            lastReady = wasReady && --_ready == 0;
            last = --_holders == 0;
        }

        if (last)
            Landed();
        if (last || lastReady)
            governor.Change(host, 0, lastReady ? -1 : 0, last ? -_size : 0, ends: last);
    }
}
