using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Security.Cryptography;

namespace MailProxy.Pipeline.Accounts;

/// <summary>All tenants' keys at one instant, found by their hash: an immutable snapshot, swapped whole when one changes.</summary>
public sealed class KeyDirectory(IReadOnlyCollection<TenantKey> keys)
{
    public static readonly KeyDirectory Empty = new([]);

    // The table sees a part of the hash only; the rest is compared in constant time.
    private readonly FrozenDictionary<ulong, TenantKey[]> _byPrefix = keys.GroupBy(key => Prefix(key.Hash))
        .ToFrozenDictionary(group => group.Key, group => group.ToArray());

    /// <param name="hash">SHA-256 of what was offered, see <see cref="TenantKey.HashOf"/>.</param>
    public TenantKey? Find(ReadOnlySpan<byte> hash)
    {
        if (!_byPrefix.TryGetValue(Prefix(hash), out var candidates))
            return null;
        TenantKey? found = null;
        foreach (var key in candidates)
        {
            if (CryptographicOperations.FixedTimeEquals(key.Hash, hash))
                found = key;
        }

        return found;
    }

    private static ulong Prefix(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadUInt64LittleEndian(hash);
}

/// <summary>Holds the keys that are in force. Written by the keys' writer, read at every request.</summary>
public sealed class CurrentKeys
{
    private KeyDirectory _directory = KeyDirectory.Empty;

    public KeyDirectory Directory => Volatile.Read(ref _directory);

    /// <summary>Raised after a swap, on the swapping thread; a handler must not block.</summary>
    public event Action? Changed;

    public void Swap(KeyDirectory directory)
    {
        Volatile.Write(ref _directory, directory);
        Changed?.Invoke();
    }
}
