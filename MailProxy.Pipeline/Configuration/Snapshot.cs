using System.Collections.Frozen;

namespace MailProxy.Pipeline.Configuration;

/// <summary>All resources of a noun at one instant: immutable, swapped whole when one changes.</summary>
public sealed class Snapshot<T>(IReadOnlyList<Resource<T>> all)
    where T : class
{
    public static readonly Snapshot<T> Empty = new([]);

    private readonly FrozenDictionary<(string Tenant, string Id), Resource<T>> _byName = all.ToFrozenDictionary(r => (r.Tenant, r.Id));

    public IReadOnlyList<Resource<T>> All => all;

    /// <summary>Those that can be read.</summary>
    public IReadOnlyList<T> Values { get; } = [.. all.Select(static r => r.Value).OfType<T>()];

    public Resource<T>? Find(string tenant, string id) => _byName.GetValueOrDefault((tenant, id));
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
