namespace MailProxy.Pipeline.Accounts;

/// <summary>Which accounts belong to the same customer of a provider. Only accounts of one tenant are ever compared. Pure.</summary>
public static class ProviderTenants
{
    // Whoever has a mailbox there is a customer of his own.
    private static readonly HashSet<string> OfPersons = new(StringComparer.OrdinalIgnoreCase)
    {
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "icloud.com",
        "gmx.net",
        "gmx.de",
        "web.de",
        "zoho.com",
    };

    /// <summary>
    /// What the accounts of one customer have in common: what a person says (<c>provider_tenant</c>); else where their tokens come from;
    /// else the domain of the user, or the user where that has none. Null: nothing is known.
    /// </summary>
    /// <param name="family">The name of the profile that the account's host has.</param>
    public static string? Of(SmtpAccount account, string family)
    {
        if (account.Sandbox)
            return null;
        if (account.ProviderTenant is { } said)
            return $"{family}/{said.ToLowerInvariant()}";
        if (account.OAuth is { } login)
        {
            var where = login.TenantId ?? (login.Endpoint is { } endpoint ? $"{endpoint.Host}{endpoint.AbsolutePath}" : null);

            // The token endpoint alone is many customers'.
            if (login.TenantId is null && where is not null)
                where = login.ClientId is { } client ? $"{where}#{client}" : null;
            if (where is not null)
                return $"{family}/{where.ToLowerInvariant()}";
        }

        if (account.User is not { Length: > 0 } user)
            return null;
        var domain = user[(user.LastIndexOf('@') + 1)..];
        return $"{family}/{(OfPersons.Contains(domain) ? user : domain).ToLowerInvariant()}";
    }
}
