namespace MailProxy.Pipeline.Configuration;

/// <summary>All resources of a noun at one instant: immutable, swapped whole when one changes.</summary>
public sealed class Snapshot<T>
    where T : class
{
    public static readonly Snapshot<T> Empty = new([]);

    // Not a frozen one: thousands of resources are there, and one changes.
    private readonly Dictionary<(string Tenant, string Id), Resource<T>> _byName;

    public Snapshot(IEnumerable<Resource<T>> all) => _byName = all.ToDictionary(static r => (r.Tenant, r.Id));

    private Snapshot(Snapshot<T> before, Resource<T> changed, Resource<T>? now)
    {
        _byName = new(before._byName);
        if (now is null)
            _byName.Remove((changed.Tenant, changed.Id));
        else
            _byName[(now.Tenant, now.Id)] = now;
        (Before, Changed) = (new(before), changed);
    }

    public IReadOnlyCollection<Resource<T>> All => _byName.Values;

    /// <summary>Those that can be read.</summary>
    public IEnumerable<T> Values => _byName.Values.Select(static r => r.Value).OfType<T>();

    /// <summary>The snapshot that this one differs from in one resource, <see cref="Changed"/>; null: it was read whole.</summary>
    public WeakReference<Snapshot<T>>? Before { get; }

    /// <summary>The one that was changed, as it is now, or as it was before it was deleted.</summary>
    public Resource<T>? Changed { get; }

    public Resource<T>? Find(string tenant, string id) => _byName.GetValueOrDefault((tenant, id));

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
