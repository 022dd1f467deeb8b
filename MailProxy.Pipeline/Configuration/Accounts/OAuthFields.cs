using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using static MailProxy.Pipeline.Configuration.Forms;
using AccountField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.SmtpAccount>;

namespace MailProxy.Pipeline.Configuration.Accounts;

/// <summary>The member <c>oauth2</c> of an account's <c>auth</c>.</summary>
internal static class OAuthFields
{
    private static readonly Names<OAuthPreset> Presets = new(("microsoft", OAuthPreset.Microsoft), ("google", OAuthPreset.Google));

    /// <summary>Not of the log-in alone: it names the customer of the provider, whom a log-in tells too.</summary>
    public static readonly AccountField Customer = AccountField.Of(
        "provider_tenant",
        Text(253),
        a => a.ProviderTenant,
        (a, customer) => a with { ProviderTenant = customer },
        says: "Accounts of the same provider and word are one customer's; absent: told by `auth`."
    );

    // Members of the account itself, so that the rules of secrets see where they would be sent.
    private static readonly FieldList<SmtpAccount> Members = new(
        "OAuth2",
        [
            AccountField.Of(
                "preset",
                Choice(Presets),
                a => a.OAuth?.Preset,
                (a, preset) => With(a, o => o with { Preset = preset }),
                says: "`microsoft` (needs `tenant_id`) or `google`: token endpoint and scope are known then."
            ),
            AccountField.Of(
                "tenant_id",
                Text(253).Checked("invalid_tenant_id", OAuthRules.TenantFault),
                a => a.OAuth?.TenantId,
                (a, tenant) => With(a, o => o with { TenantId = tenant }),
                says: "Microsoft's directory (tenant) id, or one of its domains."
            ),
            AccountField.Of(
                "token_url",
                Url(query: false),
                a => a.OAuth?.TokenUrl,
                (a, url) => With(a, o => o with { TokenUrl = url }),
                says: "Where tokens are asked for; required without `preset`, and takes the place of the preset's."
            ),
            AccountField.Of("client_id", Text(512), a => a.OAuth?.ClientId, (a, id) => With(a, o => o with { ClientId = id })),
            AccountField.Of(
                "scope",
                Text(2_048),
                a => a.OAuth?.Scope,
                (a, scope) => With(a, o => o with { Scope = scope }),
                says: "Absent: as the preset's provider wants it for SMTP."
            ),
            AccountField.Of(
                "subject",
                Text(512),
                a => a.OAuth?.Subject,
                (a, subject) => With(a, o => o with { Subject = subject }),
                says: "Whom a service account acts for; absent: `user`."
            ),
            Secret("client_secret", 4_096, false, o => o.ClientSecret, (o, text) => o with { ClientSecret = text }),
            Secret(
                "private_key",
                16_384,
                true,
                o => o.PrivateKey,
                (o, text) => o with { PrivateKey = text },
                "RSA key in PEM (for Microsoft with its certificate) or PKCS#8 in base64. "
            ),
            Secret(
                "service_account_key",
                16_384,
                true,
                o => o.ServiceAccountKey,
                (o, text) => o with { ServiceAccountKey = text },
                "Google's key file: the JSON object, or its text. "
            ),
            Secret(
                "refresh_token",
                16_384,
                false,
                o => o.RefreshToken,
                (o, text) => o with { RefreshToken = text },
                "One that the server replaces is kept up by itself. "
            ),
        ]
    )
    {
        Says = "Tokens instead of a password (XOAUTH2, OAUTHBEARER).",
        Rules = OAuthRules.Whole,
    };

    public static readonly AccountField Field = Nested.Part(
        "oauth2",
        Members,
        static a => a.OAuth is not null,
        static a => a with { OAuth = new() }
    );

    /// <summary>All secrets together, sealed in one column.</summary>
    public static readonly Sealed<SmtpAccount> Sealed = new("oauth", "oauth2", ToText, FromText);

    private static AccountField Secret(
        string name,
        int most,
        bool lines,
        Func<OAuthLogin, string?> get,
        Func<OAuthLogin, string?, OAuthLogin> set,
        string says = ""
    )
    {
        var field = AccountField.SecretOf(
            name,
            most,
            a => a.OAuth is { } login ? get(login) : null,
            (a, text) => With(a, o => set(o, text)),
            OAuthRules.Secret(lines),
            says: says + "Write-only. Absent: kept, unless another takes its place; null: removed."
        );
        return field with
        {
            Shape = name == "service_account_key" ? field.Shape with { Or = new("object") } : field.Shape,
            Always = true,
            Bind = (members, now, before) =>
                field.Bind!(members, now, !members.Has(name) && OAuthRules.ReplacedBy(name).Any(members.Has) ? null : before),
        };
    }

    private static SmtpAccount With(SmtpAccount account, Func<OAuthLogin, OAuthLogin> change) =>
        account with
        {
            OAuth = change(account.OAuth ?? new()),
        };

    private static string? ToText(SmtpAccount account)
    {
        if (account.OAuth is not { } login || !login.Secrets.Any())
            return null;
        var text = new JsonObject();
        AccountField.Add(text, "client_secret", Node(login.ClientSecret));
        AccountField.Add(text, "private_key", Node(login.PrivateKey));
        AccountField.Add(text, "service_account_key", Node(login.ServiceAccountKey));
        AccountField.Add(text, "refresh_token", Node(login.RefreshToken));
        return text.ToJsonString();
    }

    private static SmtpAccount FromText(SmtpAccount account, string? text)
    {
        if (account.OAuth is not { } login || text is null)
            return account;
        using var document = JsonDocument.Parse(text);
        string? Of(string name) => document.RootElement.TryGetProperty(name, out var member) ? member.GetString() : null;
        return account with
        {
            OAuth = login with
            {
                ClientSecret = Of("client_secret"),
                PrivateKey = Of("private_key"),
                ServiceAccountKey = Of("service_account_key"),
                RefreshToken = Of("refresh_token"),
            },
        };
    }
}
