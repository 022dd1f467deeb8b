namespace MailProxy.Pipeline.Telemetry;

/// <summary>What <c>/health/ready</c> asks, and what makes Schedule stand still.</summary>
public sealed class PipelineHealth
{
    private string? _storeTrouble,
        _storeDamage;
    private bool _running;

    /// <summary>
    /// Why the store cannot write, or null when it can. Set by the commit loop. Damage that was found stays until the process ends.
    /// </summary>
    public string? StoreTrouble
    {
        get => StoreDamage ?? Volatile.Read(ref _storeTrouble);
        set
        {
            if (Interlocked.Exchange(ref _storeTrouble, value) != value)
                Changed?.Invoke();
        }
    }

    /// <summary>
    /// The store's file is damaged; the first finding stays. A write that succeeds proves nothing about it, so nothing is taken or sent any
    /// more.
    /// </summary>
    public string? StoreDamage
    {
        get => Volatile.Read(ref _storeDamage);
        set
        {
            if (value is not null && Interlocked.CompareExchange(ref _storeDamage, value, null) is null)
                Changed?.Invoke();
        }
    }

    /// <summary>True from the end of recovery to the stop.</summary>
    public bool Running
    {
        get => Volatile.Read(ref _running);
        set => Volatile.Write(ref _running, value);
    }

    /// <summary>Raised when <see cref="StoreTrouble"/> changes; a handler must not block.</summary>
    public event Action? Changed;

    /// <summary>Why the engine takes nothing now; none when it does.</summary>
    public IEnumerable<NotReady> Reasons()
    {
        if (StoreDamage is { } damage)
            yield return new("store_damaged", $"The store cannot write: {damage}");
        else if (StoreTrouble is { } trouble)
            yield return new("store_unavailable", $"The store cannot write: {trouble}");
        if (!Running)
            yield return new("not_running", "The pipeline is not running: the daemon is starting or stopping.");
    }
}
