using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Who may fetch when: so many at once in all, so many from one host, and space for the bytes that are fetched and not yet used. Each
/// tenant has
/// its share of all three, and of what it has no host more than a quarter of the whole, so that a slow one, or one whose mail may not go
/// yet,
/// leaves the others theirs. Tenants take turns, and within a tenant hosts; within one, first come, first served.
/// </summary>
internal sealed class FetchGovernor(int total, int perHost, long bytes, TenantShare share)
{
    private readonly int _perHost = Math.Max(1, Math.Min(perHost, total / 4));
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Owner> _owners = [];
    private readonly Dictionary<string, int> _runningFrom = []; // by host, all tenants together
    private readonly LinkedList<Owner> _turns = []; // tenants for which somebody waits
    private int _running,
        _ready;
    private long _used,
        _refused;

    public int Running => Volatile.Read(ref _running);

    /// <summary>Bytes in flight, or fetched and not yet used.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>How often somebody had to wait.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>The fetches of a tenant, and the most that it may have now.</summary>
    public (long Held, long Allowed) FetchesOf(string tenant)
    {
        lock (_gate)
        {
            var held = _owners.GetValueOrDefault(tenant)?.Running ?? 0;
            return (held, share.Of(total, _running - held));
        }
    }

    /// <summary>The bytes that a tenant fetches, or has fetched and not used, and the most that it may have now.</summary>
    public (long Held, long Allowed) BytesOf(string tenant)
    {
        lock (_gate)
        {
            var held = _owners.GetValueOrDefault(tenant)?.Used ?? 0;
            return (held, share.Of(bytes, _used - held));
        }
    }

    /// <summary>Waits for its turn and for capacity. The ticket gives both back.</summary>
    public Task<FetchPermit> EnterAsync(string tenant, string host, long size, CancellationToken cancel)
    {
        Waiter waiter;
        lock (_gate)
        {
            if (!_owners.TryGetValue(tenant, out var owner))
                _owners[tenant] = owner = new(tenant);
            if (!owner.Hosts.TryGetValue(host, out var of))
                owner.Hosts[host] = of = new(owner, host);
            waiter = new(of, size);
            of.Waiting.Enqueue(waiter);
            if (of.Turn.List is null)
                owner.Turns.AddLast(of.Turn);
            if (owner.Turn.List is null)
                _turns.AddLast(owner.Turn);
            Grant();
            if (!waiter.Granted.Task.IsCompleted)
                _refused++;
        }

        return waiter.Granted.Task.IsCompleted || !cancel.CanBeCanceled ? waiter.Granted.Task : WaitAsync(waiter, cancel);
    }

    internal void Change(Host host, int running, int ready, long size, bool ends = false)
    {
        lock (_gate)
        {
            if (ends)
                host.Held--;
            _ready += ready;
            host.Ready += ready;
            host.Owner.Ready += ready;
            _used += size;
            host.Used += size;
            host.Owner.Used += size;
            Run(host, running);
            Grant();
            if (host is { Held: 0, Waiting.Count: 0 })
                Forget(host);
        }
    }

    private static async Task<FetchPermit> WaitAsync(Waiter waiter, CancellationToken cancel)
    {
        await using (cancel.UnsafeRegister(static (waiter, token) => ((Waiter)waiter!).Granted.TrySetCanceled(token), waiter))
        {
            return await waiter.Granted.Task;
        }
    }

    private void Run(Host host, int running)
    {
        if (running == 0)
            return;
        _running += running;
        host.Running += running;
        host.Owner.Running += running;
        var from = _runningFrom.GetValueOrDefault(host.Name) + running;
        if (from == 0)
            _runningFrom.Remove(host.Name);
        else
            _runningFrom[host.Name] = from;
    }

    private void Forget(Host host)
    {
        if (host.Turn.List is not null)
            host.Owner.Turns.Remove(host.Turn);
        host.Owner.Hosts.Remove(host.Name);
        if (host.Owner.Hosts.Count > 0)
            return;
        if (host.Owner.Turn.List is not null)
            _turns.Remove(host.Owner.Turn);
        _owners.Remove(host.Owner.Tenant);
    }

    // One for each tenant that may, round after round, until nobody may. What does not fit does not stop the other tenants.
    private void Grant()
    {
        for (var passed = 0; passed < _turns.Count; )
        {
            var owner = _turns.First!.Value;
            _turns.RemoveFirst();
            passed = TryGrant(owner) ? 0 : passed + 1;
            if (owner.Turns.Count > 0)
                _turns.AddLast(owner.Turn);
        }
    }

    // One of the first host that may.
    private bool TryGrant(Owner owner)
    {
        for (var passed = 0; passed < owner.Turns.Count; )
        {
            var host = owner.Turns.First!.Value;
            while (host.Waiting.TryPeek(out var gone) && gone.Granted.Task.IsCompleted)
                host.Waiting.Dequeue();
            if (!host.Waiting.TryPeek(out var next))
            {
                owner.Turns.RemoveFirst();
                continue;
            }

            var may = HostMay(host, next.Size);

            // Nobody of the tenant passes him, else small ones would keep a large one waiting for ever.
            if (may && !OwnerMay(owner, next.Size))
                return false;
            owner.Turns.RemoveFirst();
            owner.Turns.AddLast(host.Turn);
            if (may)
            {
                host.Waiting.Dequeue();
                Admit(next);
                return true;
            }

            passed++;
        }

        return false;
    }

    private void Admit(Waiter waiter)
    {
        var (host, ticket) = (waiter.Host, new FetchPermit(this, waiter.Host, waiter.Size));
        if (!waiter.Granted.TrySetResult(ticket))
            return;
        host.Held++;
        _used += waiter.Size;
        host.Used += waiter.Size;
        host.Owner.Used += waiter.Size;
        Run(host, 1);
    }

    // What was fetched for mail that still waits for something else moves only when something else is fetched: then there is always space
    // for one.
    private bool HostMay(Host host, long size) =>
        share.Allows(_perHost, _runningFrom.GetValueOrDefault(host.Name) - host.Running, host.Running, 1)
        && (host.Used + size <= bytes / 4 || host is { Running: 0, Ready: 0 });

    private bool OwnerMay(Owner owner, long size) =>
        share.Allows(total, _running - owner.Running, owner.Running, 1) && HasCapacity(owner, size);

    private bool HasCapacity(Owner owner, long size)
    {
        if (_running == 0 && _ready == 0)
            return true;
        if (_used + size > bytes)
            return false;
        return owner.Used + size <= share.Of(bytes, _used - owner.Used) || owner is { Running: 0, Ready: 0 };
    }

    /// <summary>One tenant.</summary>
    internal sealed class Owner
    {
        public Owner(string tenant)
        {
            Tenant = tenant;
            Turn = new(this);
        }

        public string Tenant { get; }
        public LinkedListNode<Owner> Turn { get; }
        public Dictionary<string, Host> Hosts { get; } = [];

        /// <summary>Its hosts for which somebody waits.</summary>
        public LinkedList<Host> Turns { get; } = [];

        public int Running { get; set; }
        public int Ready { get; set; }
        public long Used { get; set; }
    }

    /// <summary>What one tenant fetches from one host.</summary>
    internal sealed class Host
    {
        public Host(Owner owner, string name)
        {
            (Owner, Name) = (owner, name);
            Turn = new(this);
        }

        public Owner Owner { get; }
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
        public TaskCompletionSource<FetchPermit> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
