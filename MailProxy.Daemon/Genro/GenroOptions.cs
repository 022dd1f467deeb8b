using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Genro;

/// <summary>Serving clients of genro-mail-proxy too: see the guide on moving from it.</summary>
public sealed class GenroOptions
{
    /// <summary>Whether clients of genro-mail-proxy are served, at <c>/</c> and below <c>/mailproxy/v1</c>.</summary>
    public bool Enabled { get; set; }

    /// <summary>The token of the operator's own requests (<c>X-API-Token</c>), of any length. None: the admin key.</summary>
    public string? AdminToken { get; set; }

    /// <summary>The tenant that requests with the operator's token mean when they name none. None: they are refused (422).</summary>
    [RegularExpression("[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")]
    public string? DefaultTenant { get; set; }

    /// <summary>The version of its contract: <c>B</c> is 0.6.10 to 0.7.7.</summary>
    [AllowedValues("B")]
    public string Routes { get; set; } = "B";
}
