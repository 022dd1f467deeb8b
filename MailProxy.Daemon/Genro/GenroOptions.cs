using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Genro;

/// <summary>Serving clients of genro-mail-proxy too: see the guide on moving from it.</summary>
public sealed class GenroOptions
{
    /// <summary>Whether clients of genro-mail-proxy are served, at <c>/</c> and below <c>/mailproxy/v1</c>.</summary>
    public bool Enabled { get; set; }

    /// <summary>The token of the operator's own requests (<c>X-API-Token</c>), of any length. None: <c>GMP_API_TOKEN</c>, or else the admin
    /// key.</summary>
    public string? AdminToken { get; set; }

    /// <summary>The tenant that requests with the operator's token mean when they name none. None: they are refused (422). With version A
    /// it is made at the start.</summary>
    [RegularExpression("[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")]
    public string? DefaultTenant
    {
        get;
        set => field = string.IsNullOrEmpty(value) ? null : value;
    }

    /// <summary>The versions of its contract, several with commas between: <c>B</c> is 0.6.10 to 0.7.7, <c>A</c> that of 2025 without
    /// tenants, <c>C</c> 0.7.0.</summary>
    [GenroVersions]
    public string Routes { get; set; } = "B";

    /// <summary>Version A: where reports of the default tenant go. None: <c>GMP_CLIENT_SYNC_URL</c>, as with the next three.</summary>
    public string? SyncUrl { get; set; }

    /// <summary>The user that reports come as, with <c>Authorization: Basic</c>.</summary>
    public string? SyncUser { get; set; }

    /// <summary>That user's password.</summary>
    public string? SyncPassword { get; set; }

    /// <summary>The token that reports carry, with <c>Authorization: Bearer</c>; before user and password.</summary>
    public string? SyncToken { get; set; }

    /// <summary>The versions that are served.</summary>
    internal GenroVersions Versions => GenroVersionNames.Read(Routes) ?? GenroVersions.B;

    /// <summary>Whether this tenant's reports go where the settings say, in the form of version A.</summary>
    internal bool ReportsOf(string tenant) =>
        Versions.HasFlag(GenroVersions.A) && !string.IsNullOrEmpty(SyncUrl) && tenant == DefaultTenant;
}
