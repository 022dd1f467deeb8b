using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Decides who may fetch when. It limits the concurrent fetches in total and per host, and the bytes that are fetched and not yet used.
/// Each
/// tenant has a share of all three. Within a tenant's share one host gets at most a quarter of the total, so that a slow host, or one
/// whose
/// mail may not be sent yet, leaves capacity to the others. Tenants take turns, and so do the hosts of a tenant; fetches from one host are
/// served in order of arrival.
/// </summary>
internal sealed class FetchGovernor(int total, int perHost, long bytes, TenantShare share)
{
    private readonly int _perHost = Math.Max(1, Math.Min(perHost, total / 4));
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Owner> _owners = [];
    private readonly Dictionary<string, int> _runningFrom = []; // by host, for all tenants together
    private readonly LinkedList<Owner> _turns = []; // tenants with waiting fetches
    private int _running,
        _ready;
    private long _used,
        _refused;

    public int Running => Volatile.Read(ref _running);

    /// <summary>Bytes that are being fetched, or are fetched and not yet used.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>How often a fetch had to wait.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>The tenant's running fetches, and the most that it may have now.</summary>
    public (long Held, long Allowed) FetchesOf(string tenant)
    {
        lock (_gate)
        {
            var held = _owners.GetValueOrDefault(tenant)?.Running ?? 0;
            return (held, share.Of(total, _running - held));
        }
    }

    /// <summary>The tenant's bytes that are being fetched, or are fetched and not yet used, and the most that it may have now.</summary>
    public (long Held, long Allowed) BytesOf(string tenant)
    {
        lock (_gate)
        {
            var held = _owners.GetValueOrDefault(tenant)?.Used ?? 0;
            return (held, share.Of(bytes, _used - held));
        }
    }

    /// <summary>Waits for a turn and for capacity. Releasing the permit gives both back.</summary>
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

    // Grants one fetch per tenant, round after round, until no tenant may fetch. A fetch that does not fit does not stop the other
    // tenants.
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

    // Grants the next fetch of the first host that may fetch.
    private bool TryGrant(Owner owner)
    {
        for (var passed = 0; passed < owner.Turns.Count; )
        {
            var host = owner.Turns.First!.Value;
            while (host.Waiting.TryPeek(out var cancelled) && cancelled.Granted.Task.IsCompleted)
                host.Waiting.Dequeue();
            if (!host.Waiting.TryPeek(out var next))
            {
                owner.Turns.RemoveFirst();
                continue;
            }

            var may = HostMay(host, next.Size);

            // No other fetch of the tenant may overtake this one; otherwise small fetches would keep a large one waiting forever.
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
        var (host, permit) = (waiter.Host, new FetchPermit(this, waiter.Host, waiter.Size));
        if (!waiter.Granted.TrySetResult(permit))
            return;
        host.Held++;
        _used += waiter.Size;
        host.Used += waiter.Size;
        host.Owner.Used += waiter.Size;
        Run(host, 1);
    }

    // Content held by a mail that still waits for other content is only used once that is fetched as well. Therefore one fetch is always
    // allowed, whatever the limit on bytes says.
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

    /// <summary>The fetches of one tenant.</summary>
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

        /// <summary>The tenant's hosts with waiting fetches.</summary>
        public LinkedList<Host> Turns { get; } = [];

        public int Running { get; set; }
        public int Ready { get; set; }
        public long Used { get; set; }
    }

    /// <summary>The fetches of one tenant from one host.</summary>
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

        /// <summary>Permits that are not yet released.</summary>
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
