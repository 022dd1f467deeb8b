namespace MailProxy.Pipeline.Accounts;

/// <summary>A provider whose token endpoint and scope are known.</summary>
public enum OAuthPreset : byte
{
    Microsoft = 1,
    Google = 2,
}

/// <summary>How an account gets the access tokens that it logs in with (RFC 6749, RFC 7523), instead of a password.</summary>
public sealed record OAuthLogin
{
    public OAuthPreset? Preset { get; init; }

    /// <summary>Microsoft's directory: its id or one of its domains.</summary>
    public string? TenantId { get; init; }

    /// <summary>As it was given; null: that of the preset.</summary>
    public Uri? TokenUrl { get; init; }

    public string? ClientId { get; init; }
    public string? Scope { get; init; }

    /// <summary>Whom a service account acts for; null: the account's user.</summary>
    public string? Subject { get; init; }

    public string? ClientSecret { get; init; }

    /// <summary>PEM, for Microsoft with the certificate; or PKCS#8 in base64.</summary>
    public string? PrivateKey { get; init; }

    /// <summary>The JSON of Google's key file.</summary>
    public string? ServiceAccountKey { get; init; }

    /// <summary>As a person gave it. A server may have replaced it by now: see <c>IRefreshTokens</c>.</summary>
    public string? RefreshToken { get; init; }

    /// <summary>Where tokens are asked for; null: not enough is known.</summary>
    public Uri? Endpoint =>
        TokenUrl
        ?? Preset switch
        {
            OAuthPreset.Microsoft when TenantId is { } tenant => new($"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
            OAuthPreset.Google => new("https://oauth2.googleapis.com/token"),
            _ => null,
        };

    /// <summary>What is asked for: as given, else as the provider wants it for SMTP.</summary>
    public string? WantedScope =>
        Scope
        ?? Preset switch
        {
            OAuthPreset.Microsoft when RefreshToken is not null => "https://outlook.office.com/SMTP.Send offline_access",
            OAuthPreset.Microsoft => "https://outlook.office365.com/.default",
            OAuthPreset.Google when RefreshToken is null => "https://mail.google.com/",
            _ => null,
        };

    /// <summary>Everything that must never be in a text.</summary>
    public IEnumerable<string> Secrets => new[] { ClientSecret, PrivateKey, ServiceAccountKey, RefreshToken }.OfType<string>();

    // A record's generated text would carry the secrets into a log.
    public override string ToString() => $"OAuth 2 at {Endpoint?.Host}";
}
