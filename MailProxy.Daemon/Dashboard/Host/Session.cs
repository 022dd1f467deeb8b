using System.Net;
using System.Security.Claims;
using MailProxy.Daemon.Api;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Components.Authorization;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Who signed in, and from where.</summary>
internal sealed class Session(AuthenticationStateProvider state)
{
    public const string AddressClaim = "address";

    private const string KeyClaim = "key";
    private const string TenantClaim = "tenant";

    /// <summary>What the cookie holds, sealed.</summary>
    public static ClaimsPrincipal Of(string key, SelfAnswer self) =>
        new(
            new ClaimsIdentity(
                [
                    new(KeyClaim, key),
                    new(ClaimTypes.Name, self.Actor),
                    new(TenantClaim, self.Tenant),
                    .. self.Scopes.Select(static scope => new Claim(ClaimTypes.Role, scope)),
                ],
                CookieAuthenticationDefaults.AuthenticationScheme
            )
        );

    /// <summary>Null: not signed in.</summary>
    public static string? KeyOf(ClaimsPrincipal user) => user.FindFirstValue(KeyClaim);

    /// <summary>Whose share of the page he uses: his tenant's, or the admin's own.</summary>
    public static string ShareOf(ClaimsPrincipal user) => user.IsInRole("admin") ? "" : user.FindFirstValue(TenantClaim) ?? "";

    public async ValueTask<SignedIn?> WhoAsync()
    {
        var user = (await state.GetAuthenticationStateAsync()).User;
        if (user.Identity is not { IsAuthenticated: true } || KeyOf(user) is not { } key)
            return null;
        var address = IPAddress.TryParse(user.FindFirstValue(AddressClaim), out var known) ? known : null;
        var scopes = user.FindAll(ClaimTypes.Role).Select(static claim => claim.Value).ToHashSet(StringComparer.Ordinal);
        return new(key, user.FindFirstValue(ClaimTypes.Name) ?? "", user.FindFirstValue(TenantClaim) ?? "", scopes, address);
    }
}

/// <summary>Who signed in.</summary>
/// <param name="Actor">As the audit log names him.</param>
/// <param name="Tenant">Of his key.</param>
/// <param name="Scopes"><c>send</c>, <c>read</c>, <c>manage</c>, <c>admin</c>.</param>
internal sealed record SignedIn(string Key, string Actor, string Tenant, IReadOnlySet<string> Scopes, IPAddress? Address)
{
    public bool IsAdmin => Scopes.Contains("admin");

    /// <summary>May act on messages.</summary>
    public bool MaySend => IsAdmin || Scopes.Contains("send");

    /// <summary>May change what is configured.</summary>
    public bool MayManage => IsAdmin || Scopes.Contains("manage");
}
