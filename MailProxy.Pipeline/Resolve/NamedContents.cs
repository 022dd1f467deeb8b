using System.Buffers.Binary;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Remembers what was fetched under the names that messages gave, for each tenant. Bounded: the oldest are forgotten. Not thread-safe.
/// </summary>
internal sealed class NamedContents(int capacity)
{
    private readonly Dictionary<(string Tenant, UInt128 Name), ContentDigest> _contents = [];
    private readonly Queue<(string Tenant, UInt128 Name)> _order = new();

    public void Remember(string tenant, ReadOnlySpan<byte> name, in ContentDigest digest)
    {
        var key = (tenant, BinaryPrimitives.ReadUInt128BigEndian(name));
        if (!_contents.ContainsKey(key))
            _order.Enqueue(key);
        _contents[key] = digest;
        if (_order.Count > capacity)
            _contents.Remove(_order.Dequeue());
    }

    public bool TryFind(string tenant, ReadOnlySpan<byte> name, out ContentDigest digest) =>
        _contents.TryGetValue((tenant, BinaryPrimitives.ReadUInt128BigEndian(name)), out digest);
}
