using MailProxy.Pipeline.Configuration;

namespace MailProxy.Tests.Api;

/// <summary>What is configured, in memory.</summary>
internal sealed class FakeConfigurationStore : IConfigurationStore
{
    private readonly Dictionary<Type, object> _all = [];
    private long _last;
    private int _numbers;

    public HashSet<string> InUse { get; } = [];

    /// <summary>What the next changes fail with.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Raised after a change, with the noun, tenant, id and what the audit log would call it.</summary>
    public event Action<string, string, string, string>? Changed;

    public IEnumerable<T> Values<T>()
        where T : class => Of<T>().Select(static resource => resource.Value!);

    public void Add<T>(string tenant, string id, T? value)
        where T : class => Of<T>().Add(new(tenant, id, ++_last, value) { Damage = value is null ? "It is damaged." : null });

    /// <summary>As it would stand in the store, whatever was there.</summary>
    public void Add<T>(Resource<T> resource)
        where T : class
    {
        _last = Math.Max(_last, resource.Version);
        Of<T>().Add(resource);
    }

    public void Clear<T>()
        where T : class => Of<T>().Clear();

    public Task<IReadOnlyList<Resource<T>>> ReadAsync<T>(Noun<T> noun)
        where T : class => Task.FromResult<IReadOnlyList<Resource<T>>>([.. Of<T>()]);

    public Task<Resource<T>?> PutAsync<T>(Noun<T> noun, Resource<T> resource, string actor, string? action = null)
        where T : class
    {
        if (Fault is not null)
            return Task.FromException<Resource<T>?>(Fault);
        var before = Of<T>().Find(known => known.ToString() == resource.ToString());
        if ((before?.Version ?? 0) != resource.Version)
            return Task.FromResult<Resource<T>?>(null);
        if (before is not null)
            Of<T>().Remove(before);
        var number = before?.Number ?? (noun.IsNumbered ? ++_numbers : 0);
        var version = ++_last;
        var now = resource with { Version = version, Number = number, Value = noun.Stamp(resource.Value!, number, version) };
        Of<T>().Add(now);
        Changed?.Invoke(noun.Name, resource.Tenant, resource.Id, action ?? (before is null ? "create" : "replace"));
        return Task.FromResult<Resource<T>?>(now);
    }

    public Task<DeleteResult> DeleteAsync<T>(Noun<T> noun, string tenant, string id, long version, string actor)
        where T : class
    {
        if (InUse.Contains(id))
            return Task.FromResult(DeleteResult.InUse);
        if (Of<T>().RemoveAll(r => r.Tenant == tenant && r.Id == id) == 0)
            return Task.FromResult(DeleteResult.NotFound);
        Changed?.Invoke(noun.Name, tenant, id, "delete");
        return Task.FromResult(DeleteResult.Deleted);
    }

    private List<Resource<T>> Of<T>()
        where T : class
    {
        if (!_all.TryGetValue(typeof(T), out var list))
            _all[typeof(T)] = list = new List<Resource<T>>();
        return (List<Resource<T>>)list;
    }
}
