namespace MailProxy.Pipeline.Resolve;

/// <summary>Who may fetch when: so many at once in all, so many from one host, and room for the bytes that are fetched and not yet used. No host has more than a quarter of anything, so that a slow one, or one whose mail may not go yet, leaves the others theirs. Hosts take turns; within one, first come, first served.</summary>
internal sealed class FetchGovernor(int total, int perHost, long bytes)
{
    private readonly int _perHost = Math.Max(1, Math.Min(perHost, total / 4));
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Host> _hosts = [];
    private readonly LinkedList<Host> _turns = []; // hosts for which somebody waits
    private int _running, _ready;
    private long _used;

    public int Running => Volatile.Read(ref _running);

    /// <summary>Bytes in flight, or fetched and not yet used.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Waits for its turn and for room. The ticket gives both back.</summary>
    public Task<FetchTicket> EnterAsync(string host, long size, CancellationToken cancel)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (!_hosts.TryGetValue(host, out var of)) _hosts[host] = of = new(host);
            waiter = new(of, size);
            of.Waiting.Enqueue(waiter);
            if (of.Turn.List is null) _turns.AddLast(of.Turn);
            Grant();
        }

        return waiter.Granted.Task.IsCompleted || !cancel.CanBeCanceled ? waiter.Granted.Task : WaitAsync(waiter, cancel);
    }

    internal void Change(Host host, int running, int ready, long size, bool ends = false)
    {
        lock (_gate)
        {
            if (ends) host.Held--;
            _running += running;
            host.Running += running;
            _ready += ready;
            host.Ready += ready;
            _used += size;
            host.Used += size;
            Grant();
            if (host is { Held: 0, Waiting.Count: 0 }) _hosts.Remove(host.Name);
        }
    }

    private static async Task<FetchTicket> WaitAsync(Waiter waiter, CancellationToken cancel)
    {
        await using (cancel.UnsafeRegister(static (waiter, token) => ((Waiter)waiter!).Granted.TrySetCanceled(token), waiter))
        {
            return await waiter.Granted.Task;
        }
    }

    // One for each host that may, round after round, until nobody may.
    private void Grant()
    {
        for (var passed = 0; passed < _turns.Count;)
        {
            var host = _turns.First!.Value;
            while (host.Waiting.TryPeek(out var gone) && gone.Granted.Task.IsCompleted) host.Waiting.Dequeue();
            if (!host.Waiting.TryPeek(out var next))
            {
                _turns.RemoveFirst();
                continue;
            }

            if (!HostMay(host, next.Size)) passed++;
            else if (!AllMay(next.Size)) return; // nobody passes him, else small ones would keep a large one waiting for ever
            else
            {
                host.Waiting.Dequeue();
                passed = 0;
                Admit(next);
            }

            _turns.RemoveFirst();
            _turns.AddLast(host.Turn);
        }
    }

    private void Admit(Waiter waiter)
    {
        var ticket = new FetchTicket(this, waiter.Host, waiter.Size);
        if (!waiter.Granted.TrySetResult(ticket)) return;
        _running++;
        waiter.Host.Running++;
        waiter.Host.Held++;
        _used += waiter.Size;
        waiter.Host.Used += waiter.Size;
    }

    // What was fetched for mail that still waits for something else moves only when something else is fetched: then there is always room for one.
    private bool HostMay(Host host, long size) =>
        host.Running < _perHost && (host.Used + size <= bytes / 4 || host is { Running: 0, Ready: 0 });

    private bool AllMay(long size) =>
        _running < total && (_used + size <= bytes || (_running == 0 && _ready == 0));

    internal sealed class Host
    {
        public Host(string name)
        {
            Name = name;
            Turn = new(this);
        }

        public string Name { get; }
        public LinkedListNode<Host> Turn { get; }
        public Queue<Waiter> Waiting { get; } = new();
        public int Running { get; set; }
        public int Ready { get; set; }

        /// <summary>Tickets that are out.</summary>
        public int Held { get; set; }

        public long Used { get; set; }
    }

    internal sealed class Waiter(Host host, long size)
    {
        public Host Host { get; } = host;
        public long Size { get; } = size;
        public TaskCompletionSource<FetchTicket> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
