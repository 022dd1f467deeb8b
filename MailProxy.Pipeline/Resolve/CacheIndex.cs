using System.Buffers.Binary;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>One content in the cache. Changed under the cache's lock only.</summary>
internal sealed class CacheEntry
{
    private readonly Action _let;

    public CacheEntry(string tenant, in ContentDigest digest, string path, long size, bool verified, Action<CacheEntry> let)
    {
        (Tenant, Digest, Path, Size, Verified) = (tenant, digest, path, size, verified);
        _let = () => let(this);
        Unused = new(this);
        UnusedOfTenant = new(this);
    }

    public string Tenant { get; }
    public ContentDigest Digest { get; }
    public string Path { get; }
    public long Size { get; }

    /// <summary>Hashed by this run: as it was written, or after it was found.</summary>
    public bool Verified { get; set; }

    /// <summary>How many hold it.</summary>
    public int Pins { get; set; }

    public long LastUse { get; set; }

    /// <summary>Its place among what nobody holds.</summary>
    public LinkedListNode<CacheEntry> Unused { get; }

    /// <summary>The same, of its tenant's.</summary>
    public LinkedListNode<CacheEntry> UnusedOfTenant { get; }

    /// <summary>For one who has been counted in <see cref="Pins"/>.</summary>
    public LocalContent Lend() => new(Path, Size, _let);
}

/// <summary>
/// What is in the cache and what goes next: the longest unused, and for capacity that of the tenant that has most. Pure: no clock, no I/O,
/// not safe for threads.
/// </summary>
internal sealed class CacheIndex(long capacity, long age)
{
    private readonly Dictionary<(string Tenant, UInt128 High, UInt128 Low), CacheEntry> _bySha = [];
    private readonly Dictionary<(string Tenant, UInt128 Md5), CacheEntry> _byMd5 = [];
    private readonly LinkedList<CacheEntry> _unused = []; // the longest unused first
    private readonly Dictionary<string, Owner> _owners = [];

    public long Bytes { get; private set; }

    /// <summary>When the longest unused was used last.</summary>
    public long? OldestUse => _unused.First?.Value.LastUse;

    public CacheEntry? Find(string tenant, in ContentDigest digest) => _bySha.GetValueOrDefault((tenant, digest.High, digest.Low));

    /// <summary>By the hash that is claimed, and everything else that is claimed must fit.</summary>
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

    /// <summary>One more holds it.</summary>
    public void Pin(CacheEntry entry)
    {
        if (entry.Pins++ == 0)
            Leave(entry);
    }

    /// <summary>One fewer holds it. Without a holder it is the most recently used of all.</summary>
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

    /// <summary>False: it is not here any more.</summary>
    public bool Remove(CacheEntry entry)
    {
        if (Find(entry.Tenant, entry.Digest) != entry)
            return false;
        _bySha.Remove((entry.Tenant, entry.Digest.High, entry.Digest.Low));
        if (_byMd5.GetValueOrDefault((entry.Tenant, entry.Digest.Md5)) == entry)
            _byMd5.Remove((entry.Tenant, entry.Digest.Md5));
        Leave(entry);
        Bytes -= entry.Size;
        var owner = _owners[entry.Tenant];
        owner.Bytes -= entry.Size;
        if (--owner.Entries == 0)
            _owners.Remove(entry.Tenant);
        return true;
    }

    /// <summary>The next that is too old or too much, removed from here; null: all may stay.</summary>
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

    /// <summary>What nobody holds of a tenant's.</summary>
    public IReadOnlyList<CacheEntry> UnusedOf(string tenant) => [.. _unused.Where(entry => entry.Tenant == tenant)];

    private void Leave(CacheEntry entry)
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

        /// <summary>The longest unused first.</summary>
        public LinkedList<CacheEntry> Unused { get; } = [];
    }
}
