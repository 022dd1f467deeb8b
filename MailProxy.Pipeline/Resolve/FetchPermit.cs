namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The right to fetch one content and to keep its bytes until they are used. The fetch and every mail that waits for the content share it;
/// the last holder to release it gives the capacity back.
/// </summary>
internal sealed class FetchPermit(FetchGovernor governor, FetchGovernor.Host host, long size)
{
    private readonly Lock _gate = new();
    private long _size = size;
    private int _holders = 1;
    private bool _running = true;
    private int _ready;

    /// <summary>Corrects the reserved bytes to the actual size. This never waits for capacity, because the bytes are already
    /// arriving.</summary>
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

    /// <summary>Ends the fetch: its slot goes to the next one, its bytes stay reserved.</summary>
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

    /// <summary>Adds a mail that holds the content until it uses it.</summary>
    public void Hold()
    {
        lock (_gate)
            _holders++;
    }

    /// <summary>Tells that a holder has all its attachments: it will be sent as soon as it may, and then release the permit.</summary>
    public void Ready()
    {
        lock (_gate)
        {
            if (_ready++ > 0)
                return;
        }

        governor.Change(host, 0, 1, 0);
    }

    /// <summary>Removes a holder.</summary>
    /// <param name="wasReady">The holder had called <see cref="Ready"/>.</param>
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
