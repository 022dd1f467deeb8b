using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The reasons that keep every lane waiting: suspension, the store, the installation's limit. Changed by the scheduler's loop, but for <see
/// cref="Suspended"/>; read from any thread.
/// </summary>
internal sealed class Standstill(PipelineHealth health)
{
    private volatile bool _suspended;
    private volatile LanePark? _limit;
    private volatile LanePark? _store;
    private bool _stood;
    private long _stoodLast = long.MinValue;

    public bool Suspended
    {
        get => _suspended;
        set => _suspended = value;
    }

    /// <summary>The installation's limit is used up.</summary>
    public LanePark? Limit
    {
        get => _limit;
        set => _limit = value;
    }

    /// <summary>The store could not be read, and is left alone for a while.</summary>
    public LanePark? Store
    {
        get => _store;
        set => _store = value;
    }

    public bool StoreInTrouble => _store is not null || health.StoreTrouble is not null;

    /// <summary>No mail may be chosen.</summary>
    public bool Stands => _suspended || _limit is not null || StoreInTrouble;

    /// <summary>When the next of its waits ends by itself.</summary>
    public long NextEnd => Math.Min(_limit?.Until ?? long.MaxValue, _store?.Until ?? long.MaxValue);

    /// <summary>When all lanes last waited; the start counts.</summary>
    public long StoodLast => Volatile.Read(ref _stoodLast);

    public void Start(long now) => Volatile.Write(ref _stoodLast, now);

    public void Advance(long now)
    {
        if (_limit?.Until <= now)
            _limit = null;
        if (_store?.Until <= now)
            _store = null;
        var stands = Stands;
        if (stands || _stood)
            Volatile.Write(ref _stoodLast, now);
        _stood = stands;
    }

    /// <summary>Ready when nothing keeps all lanes waiting.</summary>
    public LaneGate Reason()
    {
        if (_suspended)
            return new(LaneState.Suspended, null, "the dispatcher is suspended");
        if (health.StoreTrouble is { } trouble)
            return new(LaneState.StoreTrouble, null, trouble);
        if (_store is { } store)
            return new(LaneState.StoreTrouble, store.Until, store.Reason);
        if (_limit is { } limit)
            return new(LaneState.InstallationAtLimit, limit.Until, limit.Reason);
        return new(LaneState.Ready, null, null);
    }
}
