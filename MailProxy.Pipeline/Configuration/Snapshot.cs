using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Configuration;

/// <summary>All resources of a noun at one instant: immutable, swapped whole when one changes.</summary>
public sealed class Snapshot<T>
    where T : class
{
    public static readonly Snapshot<T> Empty = new([]);

    // Thousands of resources are there, and one changes.
    private readonly SteppedMap<(string Tenant, string Id), Resource<T>> _byName;

    public Snapshot(IEnumerable<Resource<T>> all) => _byName = new(all.Select(static r => KeyValuePair.Create((r.Tenant, r.Id), r)));

    private Snapshot(Snapshot<T> before, Resource<T> changed, Resource<T>? now)
    {
        var name = (changed.Tenant, changed.Id);
        _byName = now is null ? before._byName.Without(name) : before._byName.With(name, now);
        (Before, Changed) = (new(before), changed);
    }

    public IReadOnlyCollection<Resource<T>> All => _byName;

    /// <summary>Those that can be read.</summary>
    public IEnumerable<T> Values => _byName.Select(static r => r.Value).OfType<T>();

    /// <summary>The snapshot that this one differs from in one resource, <see cref="Changed"/>; null: it was read whole.</summary>
    public WeakReference<Snapshot<T>>? Before { get; }

    /// <summary>The one that was changed, as it is now, or as it was before it was deleted.</summary>
    public Resource<T>? Changed { get; }

    public Resource<T>? Find(string tenant, string id) => _byName.Find((tenant, id));

    /// <summary>With one resource made or replaced.</summary>
    public Snapshot<T> With(Resource<T> resource) => new(this, resource, resource);

    /// <summary>Without one of its resources.</summary>
    public Snapshot<T> Without(Resource<T> resource) => new(this, resource, null);
}

/// <summary>Holds what is in force. Written by the noun's <see cref="ConfigurationWriter{T}"/>, read everywhere.</summary>
public abstract class Current<TDirectory>(TDirectory first)
    where TDirectory : class
{
    private TDirectory _directory = first;

    public TDirectory Directory => Volatile.Read(ref _directory);

    /// <summary>Raised after a swap, on the swapping thread; a handler must not block.</summary>
    public event Action? Changed;

    public virtual void Swap(TDirectory directory)
    {
        Volatile.Write(ref _directory, directory);
        Changed?.Invoke();
    }
}
