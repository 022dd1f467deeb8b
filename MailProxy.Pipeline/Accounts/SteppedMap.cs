using System.Collections;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// An immutable map that is made anew with one entry changed: it shares all but a small part with the one before. Copying a dictionary of
/// ten thousand instead would allocate a megabyte for each change; trees would make every look-up dearer.
/// </summary>
internal sealed class SteppedMap<TKey, TValue> : IReadOnlyCollection<TValue>
    where TKey : notnull
{
    private const int Parts = 256;

    private static readonly Dictionary<TKey, TValue> None = [];

    private readonly Dictionary<TKey, TValue>[] _parts;

    public SteppedMap(IEnumerable<KeyValuePair<TKey, TValue>> all)
    {
        _parts = new Dictionary<TKey, TValue>[Parts];
        Array.Fill(_parts, None);
        foreach (var (key, value) in all)
        {
            ref var part = ref _parts[PartOf(key)];
            if (ReferenceEquals(part, None))
                part = [];
            part.Add(key, value);
            Count++;
        }
    }

    private SteppedMap(Dictionary<TKey, TValue>[] parts, int count) => (_parts, Count) = (parts, count);

    public int Count { get; }

    public TValue? Find(TKey key) => _parts[PartOf(key)].GetValueOrDefault(key);

    public SteppedMap<TKey, TValue> With(TKey key, TValue value)
    {
        var place = PartOf(key);
        var part = new Dictionary<TKey, TValue>(_parts[place]) { [key] = value };
        return new([.. _parts.AsSpan(0, place), part, .. _parts.AsSpan(place + 1)], Count + part.Count - _parts[place].Count);
    }

    public SteppedMap<TKey, TValue> Without(TKey key)
    {
        var place = PartOf(key);
        var part = new Dictionary<TKey, TValue>(_parts[place]);
        if (!part.Remove(key))
            return this;
        return new([.. _parts.AsSpan(0, place), part, .. _parts.AsSpan(place + 1)], Count - 1);
    }

    public IEnumerator<TValue> GetEnumerator()
    {
        foreach (var part in _parts)
        {
            foreach (var value in part.Values)
                yield return value;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // Numbers that follow each other fall into different parts.
    private static int PartOf(TKey key) => key.GetHashCode() & (Parts - 1);
}
