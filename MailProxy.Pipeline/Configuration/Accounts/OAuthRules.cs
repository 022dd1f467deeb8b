using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Configuration.Accounts;

/// <summary>What <c>oauth2</c> must be as a whole. Pure.</summary>
internal static class OAuthRules
{
    /// <summary>A kept secret goes to the token endpoint, and what it buys to the SMTP server: neither may become another.</summary>
    public static SecretRules<SmtpAccount> Secret(bool lines) =>
        new()
        {
            Lines = lines,
            Objects = lines,
            Removable = true,
            Empty = "Must not be empty; null removes it.",
            Void = static (now, before) => AccountRules.Password.Void(now, before) ?? (IsSame(now.OAuth, before.OAuth) ? null : Moved),
        };

    /// <summary>What a secret takes the place of, when it is given and those are not.</summary>
    public static IReadOnlyList<string> ReplacedBy(string name) =>
        name switch
        {
            "client_secret" => ["private_key", "service_account_key"],
            "private_key" => ["client_secret", "service_account_key"],
            "service_account_key" => ["client_secret", "private_key", "refresh_token"],
            _ => ["service_account_key"],
        };

    private const string Moved = "The token endpoint, client_id or subject changes: send the secret again.";

    public static string? TenantFault(string? tenant) =>
        tenant is { Length: > 0 } && tenant.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.') && tenant is not ("." or "..")
            ? null
            : "Must be the directory (tenant) id, or one of its domains.";

    public static SmtpAccount Whole(MemberReader members, SmtpAccount account, SmtpAccount? before)
    {
        var login = account.OAuth!;
        if (login.Preset == OAuthPreset.Microsoft)
            Microsoft(members, login);
        else if (login.TenantId is not null)
            members.Fault("tenant_id", "needs_preset", "Only with preset \"microsoft\".");
        if (login is { Preset: null, TokenUrl: null })
            Need(members, "token_url");
        if (members.Has("service_account_key") || login.ServiceAccountKey is not null)
            ServiceAccount(members, login);
        else
            Client(members, login);
        Key(members, "private_key", login.PrivateKey);
        Key(members, "service_account_key", login.ServiceAccountKey);
        return account;
    }

    private static void Microsoft(MemberReader members, OAuthLogin login)
    {
        if (login is { TenantId: null, TokenUrl: null })
            Need(members, "tenant_id");
        if (login.PrivateKey is { } text && OAuthKey.Read(text).Key is { Certificate: null })
        {
            members.Fault("private_key", "certificate_required", "Microsoft wants the certificate in the same PEM.");
        }
    }

    private static void ServiceAccount(MemberReader members, OAuthLogin login)
    {
        if (login.Preset == OAuthPreset.Microsoft)
            members.Fault("service_account_key", "not_allowed", "Microsoft has none: client_secret or private_key.");
        foreach (
            var (name, there) in (ReadOnlySpan<(string, bool)>)
                [
                    ("client_secret", login.ClientSecret is not null),
                    ("private_key", login.PrivateKey is not null),
                    ("refresh_token", login.RefreshToken is not null),
                ]
        )
        {
            if (there)
                members.Fault(name, "conflict", "A service account has its key and nothing beside it: null removes this one.");
        }
    }

    private static void Client(MemberReader members, OAuthLogin login)
    {
        if (login.ClientId is null)
            Need(members, "client_id");
        if (login is { ClientSecret: not null, PrivateKey: not null })
            members.Fault("private_key", "conflict", "Either client_secret or private_key: null removes the other.");
        if (login is { Preset: OAuthPreset.Google, RefreshToken: null })
            Need(members, "refresh_token");
        else if (login is { ClientSecret: null, PrivateKey: null, RefreshToken: null })
            Need(members, "client_secret");
    }

    // Unless what was given for it was wrong already.
    private static void Need(MemberReader members, string name)
    {
        var why = name switch
        {
            "token_url" => "Required without preset.",
            "tenant_id" => "Required with preset \"microsoft\".",
            "client_id" => "Required, but with service_account_key.",
            "refresh_token" => "Google wants service_account_key, or client_id, client_secret and refresh_token.",
            _ => "One of client_secret, private_key, refresh_token is needed.",
        };
        if (!members.Has(name))
            members.Fault(name, "required", why);
    }

    private static void Key(MemberReader members, string name, string? text)
    {
        if (text is not null && members.Has(name) && OAuthKey.Read(text).Fault is { } fault)
            members.Fault(name, "invalid_key", fault);
    }

    private static bool IsSame(OAuthLogin? now, OAuthLogin? before) =>
        now?.Endpoint == before?.Endpoint && now?.ClientId == before?.ClientId && now?.Subject == before?.Subject;
}
