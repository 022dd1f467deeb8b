namespace MailProxy.Pipeline.Mail;

/// <summary>Where an entry of a suppression list comes from.</summary>
public enum SuppressionSource : byte
{
    /// <summary>A person, or a client, put it.</summary>
    Api = 0,

    Import = 1,

    /// <summary>A server said that there is no such address.</summary>
    Bounce = 2,

    /// <summary>The recipient asked for it.</summary>
    Unsubscribe = 3,
}

/// <summary>An address, or a whole domain, that a tenant's mail does not go to.</summary>
/// <param name="Target">An address in lower case, or a domain with an @ in front; domains as A-labels.</param>
/// <param name="CreatedAt">Unix milliseconds.</param>
/// <param name="ExpiresAt">Unix milliseconds; null: never.</param>
public sealed record Suppression(
    string Tenant,
    string Target,
    string Reason,
    SuppressionSource Source,
    long CreatedAt,
    long? ExpiresAt = null
)
{
    /// <summary>The words of sources.</summary>
    public static readonly Names<SuppressionSource> Sources = new(
        ("api", SuppressionSource.Api),
        ("import", SuppressionSource.Import),
        ("bounce", SuppressionSource.Bounce),
        ("unsubscribe", SuppressionSource.Unsubscribe)
    );

    /// <summary>The entry of a domain.</summary>
    public bool IsDomain => Target.StartsWith('@');

    /// <summary>
    /// An address as entries have it. Hardly a server tells Ann@ from ann@ (RFC 5321 section 2.4 lets it), and whoever said no meant both.
    /// </summary>
    public static string TargetOf(string address) => address.ToLowerInvariant();

    /// <summary>The domain of an address as entries have it; empty: it has none.</summary>
    public static string DomainOf(string address) => address.LastIndexOf('@') is >= 0 and var at ? address[at..].ToLowerInvariant() : "";
}
