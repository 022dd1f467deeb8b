using MailProxy.Daemon.Api;

namespace MailProxy.Daemon.Genro;

/// <summary>What one version of the contract reads, says and writes in another way than the others.</summary>
internal sealed record GenroForm
{
    /// <summary>Of 2025: there are no tenants, and an attachment is inline or in a volume.</summary>
    public static readonly GenroForm A = new()
    {
        NamesTenants = false,
        HasEmptySubjects = true,
        NeedsBody = true,
        OwnsVolumes = true,
        EncryptsEverywhere = true,
        NoAccount = "account not found",
        AllRefused = "all messages rejected",
        UnknownIn = "not_found",
    };

    /// <summary>0.6.10 to 0.7.7.</summary>
    public static readonly GenroForm B = new();

    /// <summary>0.7.0: bare answers, with what is null.</summary>
    public static readonly GenroForm C = new()
    {
        IsBare = true,
        TakesAnyBatch = true,
        UsualTls = true,
        MissingText = "Missing '{0}' field",
        UnknownIn = "not_found",
    };

    /// <summary>Of its route for one message.</summary>
    public static readonly GenroForm OneOfC = C with { HasEmptySubjects = true };

    /// <summary>Whether requests and answers name tenants.</summary>
    public bool NamesTenants { get; init; } = true;

    /// <summary>Whether a list is answered as it is, and members that are null stay.</summary>
    public bool IsBare { get; init; }

    /// <summary>Whether a subject may be empty.</summary>
    public bool HasEmptySubjects { get; init; }

    /// <summary>Whether a message must have a subject.</summary>
    public bool NeedsSubject { get; init; } = true;

    public bool NeedsBody { get; init; }

    /// <summary>Whether messages name volumes, which are managed by routes of their own.</summary>
    public bool OwnsVolumes { get; init; }

    /// <summary>Whether <c>use_tls</c> means TLS on any port, and never STARTTLS.</summary>
    public bool EncryptsEverywhere { get; init; }

    /// <summary>What <c>use_tls</c> is when it is absent.</summary>
    public bool? UsualTls { get; init; }

    /// <summary>Whether a request of nothing but mistakes is answered as any other.</summary>
    public bool TakesAnyBatch { get; init; }

    public string NoAccount { get; init; } = "account not found for tenant";

    /// <summary>What is said beside the reasons when all messages are refused; null: nothing.</summary>
    public string? AllRefused { get; init; }

    /// <summary>In which list of a deletion unknown ids are.</summary>
    public string UnknownIn { get; init; } = "unauthorized";

    public string MissingText { get; init; } = "missing {0}";

    /// <summary>The reason of a message that lacks a member.</summary>
    public string Missing(string member) => MissingText.Replace("{0}", member, StringComparison.Ordinal);
}

/// <summary>
/// Says whose form a request has that stands in two versions. Without a tenant's name and with the operator's token it is one of version A,
/// for the default tenant; every other is one of version B.
/// </summary>
internal sealed class GenroForms(GenroOptions options)
{
    private readonly bool _hasA = options.Versions.HasFlag(GenroVersions.A),
        _hasB = options.Versions.HasFlag(GenroVersions.B);

    /// <summary>Whether only the request itself tells its version.</summary>
    public bool Differ => _hasA && _hasB;

    /// <param name="names">The request names a tenant, or what only version B knows.</param>
    public GenroForm Of(Caller caller, bool names) =>
        !_hasA ? GenroForm.B
        : !_hasB ? GenroForm.A
        : caller.IsAdmin && !names && options.DefaultTenant is not null ? GenroForm.A
        : GenroForm.B;

    /// <summary>Of a request without a body.</summary>
    public GenroForm Of(HttpContext http) => Of(Caller.Of(http), Has(http, "tenant_id") || Has(http, "batch_code"));

    private static bool Has(HttpContext http, string name) => http.Request.Query[name] is [.., { Length: > 0 }];
}
