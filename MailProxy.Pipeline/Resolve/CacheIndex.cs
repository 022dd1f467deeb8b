using System.Buffers.Binary;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One content in the cache. Its state changes under the cache's lock only.</summary>
internal sealed class CacheEntry
{
    private readonly Action _release;

    public CacheEntry(string tenant, in ContentDigest digest, string path, long size, bool verified, Action<CacheEntry> release)
    {
        (Tenant, Digest, Path, Size, Verified) = (tenant, digest, path, size, verified);
        _release = () => release(this);
        Unused = new(this);
        UnusedOfTenant = new(this);
    }

    public string Tenant { get; }
    public ContentDigest Digest { get; }
    public string Path { get; }
    public long Size { get; }

    /// <summary>Whether this run has hashed the content: while writing it, or after loading it.</summary>
    public bool Verified { get; set; }

    /// <summary>Number of holders.</summary>
    public int Pins { get; set; }

    public long LastUse { get; set; }

    /// <summary>Its node in the list of entries without a holder.</summary>
    public LinkedListNode<CacheEntry> Unused { get; }

    /// <summary>Its node in the tenant's list of entries without a holder.</summary>
    public LinkedListNode<CacheEntry> UnusedOfTenant { get; }

    /// <summary>A new reference for a caller that is already counted in <see cref="Pins"/>.</summary>
    public LocalContent Lend() => new(Path, Size, _release);
}

/// <summary>
/// Knows what is in the cache and which entry is evicted next: by age the longest unused of all; by size the longest unused of the tenant
/// with the most bytes. Pure: no clock, no I/O; not thread-safe.
/// </summary>
internal sealed class CacheIndex(long capacity, long age)
{
    private readonly Dictionary<(string Tenant, UInt128 High, UInt128 Low), CacheEntry> _bySha = [];
    private readonly Dictionary<(string Tenant, UInt128 Md5), CacheEntry> _byMd5 = [];
    private readonly LinkedList<CacheEntry> _unused = []; // the longest unused first
    private readonly Dictionary<string, Owner> _owners = [];

    public long Bytes { get; private set; }

    /// <summary>When the longest unused entry was last used; null when every entry has a holder.</summary>
    public long? OldestUse => _unused.First?.Value.LastUse;

    public CacheEntry? Find(string tenant, in ContentDigest digest) => _bySha.GetValueOrDefault((tenant, digest.High, digest.Low));

    /// <summary>Finds an entry by the claimed hash; everything else that is claimed must match too.</summary>
    public CacheEntry? Find(string tenant, AttachmentRef claimed)
    {
        CacheEntry? found = null;
        if (claimed.Sha256 is { } sha && ContentDigest.Sha(sha) is var (high, low))
            found = _bySha.GetValueOrDefault((tenant, high, low));
        else if (claimed.Md5 is { } md5)
            found = _byMd5.GetValueOrDefault((tenant, BinaryPrimitives.ReadUInt128BigEndian(md5)));
        return found is not null && found.Digest.Contradiction(claimed, found.Size) is null ? found : null;
    }

    public void Add(CacheEntry entry)
    {
        _bySha.Add((entry.Tenant, entry.Digest.High, entry.Digest.Low), entry);
        _byMd5[(entry.Tenant, entry.Digest.Md5)] = entry;
        Bytes += entry.Size;
        if (!_owners.TryGetValue(entry.Tenant, out var owner))
            _owners[entry.Tenant] = owner = new();
        owner.Bytes += entry.Size;
        owner.Entries++;
    }

    /// <summary>Adds a holder.</summary>
    public void Pin(CacheEntry entry)
    {
        if (entry.Pins++ == 0)
            RemoveUnused(entry);
    }

    /// <summary>Removes a holder. An entry without holders becomes the most recently used of all.</summary>
    public void Unpin(CacheEntry entry, long now)
    {
        if (entry.Pins > 0 && --entry.Pins > 0)
            return;
        if (Find(entry.Tenant, entry.Digest) != entry || entry.Unused.List is not null)
            return;
        entry.LastUse = now;
        _unused.AddLast(entry.Unused);
        _owners[entry.Tenant].Unused.AddLast(entry.UnusedOfTenant);
    }

    /// <summary>Removes an entry; false when it is no longer in the index.</summary>
    public bool Remove(CacheEntry entry)
    {
        if (Find(entry.Tenant, entry.Digest) != entry)
            return false;
        _bySha.Remove((entry.Tenant, entry.Digest.High, entry.Digest.Low));
        if (_byMd5.GetValueOrDefault((entry.Tenant, entry.Digest.Md5)) == entry)
            _byMd5.Remove((entry.Tenant, entry.Digest.Md5));
        RemoveUnused(entry);
        Bytes -= entry.Size;
        var owner = _owners[entry.Tenant];
        owner.Bytes -= entry.Size;
        if (--owner.Entries == 0)
            _owners.Remove(entry.Tenant);
        return true;
    }

    /// <summary>Removes and returns the next entry that is too old or exceeds the capacity; null when all entries may stay.</summary>
    public CacheEntry? TakeOverdue(long now)
    {
        if (_unused.First?.Value is not { } entry)
            return null;
        if (now - entry.LastUse < age)
        {
            if (Bytes <= capacity)
                return null;
            entry = _owners.Values.Where(static owner => owner.Unused.Count > 0).MaxBy(static owner => owner.Bytes)!.Unused.First!.Value;
        }

        Remove(entry);
        return entry;
    }

    /// <summary>The tenant's entries that have no holder.</summary>
    public IReadOnlyList<CacheEntry> UnusedOf(string tenant) => [.. _unused.Where(entry => entry.Tenant == tenant)];

    private void RemoveUnused(CacheEntry entry)
    {
        if (entry.Unused.List is null)
            return;
        _unused.Remove(entry.Unused);
        _owners[entry.Tenant].Unused.Remove(entry.UnusedOfTenant);
    }

    private sealed class Owner
    {
        public long Bytes { get; set; }
        public int Entries { get; set; }

        /// <summary>The tenant's entries without a holder, the longest unused first.</summary>
        public LinkedList<CacheEntry> Unused { get; } = [];
    }
}
