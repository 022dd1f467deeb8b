using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Finds attachments that are in the cache: under the hash that a mail claims, or by the last fetch from their source.</summary>
internal sealed class LocalAttachments(AttachmentCache cache, TimeProvider clock)
{
    private const int RememberedSources = 20_000;

    private readonly Lock _gate = new();
    private readonly SourceIndex _sources = new(RememberedSources);
    private readonly NamedContents _named = new(RememberedSources);

    /// <summary>The content, which the caller disposes; null when it has to be fetched.</summary>
    /// <param name="accepted">When the client's request was accepted. Content fetched earlier is not used, unless the message claims its
    /// hash.</param>
    public LocalContent? Find(string tenant, long accepted, AttachmentRef wanted)
    {
        if ((wanted.Sha256 ?? wanted.Md5) is not null && cache.Find(tenant, wanted) is { } claimed)
            return claimed;

        if (wanted.CacheMd5 is { } name && FindNamed(tenant, wanted, name) is { } known)
            return known;

        ContentDigest digest;
        lock (_gate)
        {
            var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            if (!_sources.TryFind(new(tenant, wanted.Place, wanted.Auth), accepted, now, out digest))
                return null;
        }

        if (cache.Find(tenant, digest) is not { } found)
            return null;
        if (digest.Contradiction(wanted, found.Size) is null)
            return found;
        found.Dispose(); // the caller fetches it again, since the source may have changed
        return null;
    }

    /// <summary>Remembers what was fetched under the name that a message gave it.</summary>
    public void Remember(string tenant, byte[] name, in ContentDigest digest)
    {
        lock (_gate)
            _named.Remember(tenant, name, digest);
    }

    // What has that MD5 indeed, or else what was last fetched under it.
    private LocalContent? FindNamed(string tenant, AttachmentRef wanted, byte[] name)
    {
        if (cache.Find(tenant, wanted with { Sha256 = null, Md5 = name }) is { } same)
            return same;
        ContentDigest digest;
        lock (_gate)
        {
            if (!_named.TryFind(tenant, name, out digest))
                return null;
        }

        return cache.Find(tenant, digest);
    }

    /// <summary>Remembers the result of a fetch.</summary>
    /// <param name="began">When the fetch began, in Unix milliseconds.</param>
    public void Remember(in SourceKey key, in ContentDigest digest, long began)
    {
        lock (_gate)
            _sources.Remember(key, digest, began);
    }
}
