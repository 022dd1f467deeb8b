namespace MailProxy.Pipeline.Sharing;

/// <summary>
/// A bounded amount of something that tenants use together: bytes, slots, connections. Each holds its share at most
/// (<see cref="TenantShare"/>). Who waits is served in turn, tenant by tenant; within a tenant, first come, first served.
/// </summary>
public sealed class SharedCapacity(long capacity, TenantShare share)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Holder> _holders = [];
    private readonly LinkedList<Holder> _turns = []; // tenants for which somebody waits
    private long _used,
        _refused;

    public long Capacity => capacity;

    public long Used => Volatile.Read(ref _used);

    /// <summary>How often somebody had to wait, or was refused.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Somebody waits.</summary>
    public bool IsWaitedFor
    {
        get
        {
            lock (_gate)
                return _turns.Count > 0;
        }
    }

    /// <summary>What a tenant holds now, and the most that it may hold now.</summary>
    public (long Held, long Allowed) Of(string tenant)
    {
        lock (_gate)
        {
            var held = _holders.GetValueOrDefault(tenant)?.Held ?? 0;
            return (held, share.Of(capacity, _used - held));
        }
    }

    /// <summary>Null: there is no capacity for this tenant now, or somebody of it waits already.</summary>
    public Charge? TryTake(string tenant, long amount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        lock (_gate)
        {
            var holder = HolderOf(tenant);
            if (holder.Waiting.Count == 0 && May(holder, amount))
                return Take(holder, amount);
            Forget(holder);
            _refused++;
            return null;
        }
    }

    /// <summary>Waits for capacity. What was taken is given back when the charge is disposed.</summary>
    public ValueTask<Charge> TakeAsync(string tenant, long amount, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        Waiter waiter;
        lock (_gate)
        {
            var holder = HolderOf(tenant);
            if (holder.Waiting.Count == 0 && May(holder, amount))
                return new(Take(holder, amount));
            _refused++;
            waiter = new(holder, amount, null);
            waiter.Node = holder.Waiting.AddLast(waiter);
            if (holder.Turn.List is null)
                _turns.AddLast(holder.Turn);
        }

        return GrantedAsync(waiter, cancel);
    }

    /// <summary>
    /// Waits for capacity to make a charge larger; judged as if it were given back and taken anew at its new size, so that a tenant's only
    /// charge
    /// may grow into all that is free. Within a tenant it goes before what is only to begin: it ends sooner, and gives back.
    /// </summary>
    public async ValueTask GrowAsync(Charge charge, long more, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(more);
        Waiter waiter;
        lock (_gate)
        {
            if (MayGrow(charge, more))
            {
                Enlarge(charge, more);
                return;
            }

            _refused++;
            var holder = charge.Holder;
            waiter = new(holder, more, charge);
            var before = holder.Waiting.First;
            while (before?.Value.Grows is not null)
                before = before.Next;
            waiter.Node = before is null ? holder.Waiting.AddLast(waiter) : holder.Waiting.AddBefore(before, waiter);
            if (holder.Turn.List is null)
                _turns.AddLast(holder.Turn);
        }

        await GrantedAsync(waiter, cancel);
    }

    private async ValueTask<Charge> GrantedAsync(Waiter waiter, CancellationToken cancel)
    {
        await using (cancel.UnsafeRegister(static waiter => ((Waiter)waiter!).Granted.TrySetCanceled(), waiter))
        {
            try
            {
                return await waiter.Granted.Task;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                GiveUp(waiter);
                throw;
            }
        }
    }

    private Holder HolderOf(string tenant)
    {
        if (!_holders.TryGetValue(tenant, out var holder))
            _holders[tenant] = holder = new(tenant);
        return holder;
    }

    private void Forget(Holder holder)
    {
        if (holder is { Charges: 0, Waiting.Count: 0 })
            _holders.Remove(holder.Tenant);
    }

    private bool May(Holder holder, long amount) => share.Allows(capacity, _used - holder.Held, holder.Held, amount);

    private bool MayGrow(Charge charge, long more) =>
        share.Allows(capacity, _used - charge.Holder.Held, charge.Holder.Held - charge.Amount, charge.Amount + more);

    private void Enlarge(Charge charge, long more)
    {
        _used += more;
        charge.Holder.Held += more;
        charge.Amount += more;
    }

    private Charge Take(Holder holder, long amount)
    {
        _used += amount;
        holder.Held += amount;
        holder.Charges++;
        return new(this, holder, amount);
    }

    private void Return(Charge charge)
    {
        lock (_gate)
        {
            Undo(charge);
            Grant();
            Forget(charge.Holder);
        }
    }

    private void GiveUp(Waiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Node.List is not null)
                waiter.Holder.Waiting.Remove(waiter.Node);
            Grant();
            Forget(waiter.Holder);
        }
    }

    // One for each tenant that may, round after round, until nobody may. A large one that does not fit does not stop the others' small
    // ones.
    private void Grant()
    {
        for (var passed = 0; passed < _turns.Count; )
        {
            var holder = _turns.First!.Value;
            _turns.RemoveFirst();
            if (holder.Waiting.First is not { } first)
                continue;
            passed = TryGrant(holder, first.Value) ? 0 : passed + 1;
            if (holder.Waiting.Count > 0)
                _turns.AddLast(holder.Turn);
        }
    }

    private bool TryGrant(Holder holder, Waiter waiter)
    {
        var may = waiter.Grows is { } growing ? MayGrow(growing, waiter.Amount) : May(holder, waiter.Amount);
        if (!waiter.Granted.Task.IsCompleted && !may)
            return false;
        holder.Waiting.Remove(waiter.Node);
        if (waiter.Granted.Task.IsCompleted)
            return true;
        if (waiter.Grows is { } charge)
        {
            if (waiter.Granted.TrySetResult(charge))
                Enlarge(charge, waiter.Amount);
            return true;
        }

        var taken = Take(holder, waiter.Amount);
        if (!waiter.Granted.TrySetResult(taken))
            Undo(taken);
        return true;
    }

    private void Undo(Charge charge)
    {
        _used -= charge.Amount;
        charge.Holder.Held -= charge.Amount;
        charge.Holder.Charges--;
    }

    /// <summary>What a tenant holds until this is disposed.</summary>
    public sealed class Charge : IDisposable
    {
        private readonly SharedCapacity _of;
        private int _returned;

        internal Charge(SharedCapacity of, Holder holder, long amount) => (_of, Holder, Amount) = (of, holder, amount);

        public long Amount { get; internal set; }

        internal Holder Holder { get; }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _returned, 1) == 0)
                _of.Return(this);
        }
    }

    internal sealed class Holder
    {
        public Holder(string tenant)
        {
            Tenant = tenant;
            Turn = new(this);
        }

        public string Tenant { get; }
        public LinkedListNode<Holder> Turn { get; }
        public LinkedList<Waiter> Waiting { get; } = [];
        public long Held { get; set; }
        public int Charges { get; set; }
    }

    internal sealed class Waiter(Holder holder, long amount, Charge? grows)
    {
        public Holder Holder { get; } = holder;
        public long Amount { get; } = amount;

        /// <summary>The charge that this makes larger; null: it waits for one of its own.</summary>
        public Charge? Grows { get; } = grows;

        public LinkedListNode<Waiter> Node { get; set; } = null!;
        public TaskCompletionSource<Charge> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
