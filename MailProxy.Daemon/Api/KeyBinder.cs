using System.Buffers.Text;
using System.Security.Cryptography;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Api;

/// <summary>Reads a key as a client asks for it, and makes it.</summary>
internal static class KeyBinder
{
    private const int MostNetworks = 100;

    /// <returns>The key to store, and the key itself, which is shown once.</returns>
    public static (TenantKey Stored, string Key) Bind(MemberReader members, string tenant, long now)
    {
        var name = members.Text("name", 200, required: true);
        var scopes = Scopes(members);
        var expiresAt = members.Time("expires_at");
        if (expiresAt <= now)
            members.Fault("expires_at", "expires_in_past", "Must lie in the future.");
        var networks = members.Texts(
            "allowed_networks",
            MostNetworks,
            text => NetworkPolicy.TryParse(text, out _) ? null : "Must be a CIDR range such as 10.1.0.0/16, or an address."
        );
        members.Close();

        var key = "mpt_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var stored = new TenantKey
        {
            Tenant = tenant,
            Id = "k" + RandomNumberGenerator.GetHexString(16, lowercase: true),
            Name = name ?? "",
            Hash = TenantKey.HashOf(key),
            Scopes = scopes,
            CreatedAt = now,
            ExpiresAt = expiresAt,
            AllowedNetworks = [.. networks.Select(text => NetworkPolicy.TryParse(text, out var network) ? network : default)],
        };
        return (stored, key);
    }

    private static KeyScopes Scopes(MemberReader members)
    {
        var scopes = KeyScopes.None;
        var names = members.Texts(
            "scopes",
            KeyScopeNames.All.Count,
            text => KeyScopeNames.All.Find(text) is null ? $"Must be one of: {KeyScopeNames.All.Listed}." : null
        );
        foreach (var name in names)
            scopes |= KeyScopeNames.All.Find(name) ?? KeyScopes.None;
        if (names.Count == 0)
            members.Fault("scopes", "required", "At least one scope is required.");
        return scopes;
    }
}
