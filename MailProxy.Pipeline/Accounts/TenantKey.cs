using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Accounts;

/// <summary>A tenant's key, without the key: of that only the SHA-256 is kept.</summary>
public sealed record TenantKey
{
    public required string Tenant { get; init; }
    public required string Id { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of the key as it is sent, 32 bytes.</summary>
    public required byte[] Hash { get; init; }

    public required KeyScopes Scopes { get; init; }

    /// <summary>Unix milliseconds, as all times here.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Refused from then on; null: never.</summary>
    public long? ExpiresAt { get; init; }

    /// <summary>Where it may be used from; empty: anywhere.</summary>
    public IReadOnlyList<IPNetwork> AllowedNetworks { get; init; } = [];

    /// <summary>Within a minute; null: never.</summary>
    public long? LastUsedAt { get; init; }

    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <param name="address">Null: not known, and then only a key without an allow-list may be used.</param>
    public bool AllowsFrom(IPAddress? address)
    {
        if (AllowedNetworks.Count == 0)
            return true;
        if (address is null)
            return false;
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return AllowedNetworks.Any(network => network.Contains(plain) || network.Contains(address));
    }

    public override string ToString() => $"{Tenant}/{Id}";
}
