using MailProxy.Pipeline.Accounts;
using static MailProxy.Pipeline.Configuration.Forms;
using AccountField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.SmtpAccount>;
using DkimField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.DkimKey>;

namespace MailProxy.Pipeline.Configuration.Accounts;

/// <summary>What an SMTP account is made of.</summary>
public static class AccountFields
{
    private static readonly Names<SmtpSecurity> Securities = new(
        ("none", SmtpSecurity.None),
        ("starttls", SmtpSecurity.StartTls),
        ("tls", SmtpSecurity.Tls),
        ("starttls_when_available", SmtpSecurity.StartTlsWhenAvailable)
    );

    private static readonly Names<SmtpPipelining> Pipelinings = new(
        ("off", SmtpPipelining.Off),
        ("envelope", SmtpPipelining.Envelope),
        ("next", SmtpPipelining.Next)
    );

    /// <summary>The word for it.</summary>
    public static string NameOf(SmtpPipelining pipelining) => Pipelinings.Of(pipelining);

    private static readonly DkimKey NoDkim = new("", "", "");

    // Members of the account itself, which only requests and answers put into an object.
    private static readonly FieldList<SmtpAccount> Auth = new(
        "Auth",
        [
            AccountField.Of("user", Text(512), a => a.User, (a, user) => a with { User = user }, required: true) with
            {
                Always = true,
            },
            OAuthFields.Field,
            AccountField.SecretOf(
                "password",
                4_096,
                a => a.Password,
                (a, password) => a with { Password = password },
                AccountRules.Password,
                says: "Write-only. Absent: kept; null: removed."
            ) with
            {
                Always = true,
            },
        ]
    )
    {
        Rules = AccountRules.Auth,
    };

    // A key is made anew with each member: its names for the signature are made from the others.
    private static readonly FieldList<DkimKey> Dkim = new(
        "Dkim",
        [
            DkimField.Of(
                "domain",
                Text(253).Checked("invalid_domain", AccountRules.DomainFault),
                d => d.Domain,
                (d, domain) => new(domain ?? "", d.Selector, d.PrivateKey),
                required: true
            ) with
            {
                Always = true,
            },
            DkimField.Of(
                "selector",
                Text(253).Checked("invalid_selector", AccountRules.SelectorFault),
                d => d.Selector,
                (d, selector) => new(d.Domain, selector ?? "", d.PrivateKey),
                required: true
            ) with
            {
                Always = true,
            },
            DkimField.SecretOf("private_key", 16_384, KeyOf, WithKey, AccountRules.DkimSecret, says: "Write-only PEM. Absent: kept.") with
            {
                Always = true,
            },
        ]
    )
    {
        Rules = AccountRules.Dkim,
    };

    private static readonly FieldList<SmtpAccount> Members = new(
        "Account",
        [
            AccountField.Id(a => a.Id),
            AccountField.Answered("tenant", Shape.Text, a => a.Tenant) with
            {
                Always = true,
            },
            AccountField.Of("sandbox", Flag, a => a.Sandbox, (a, sandbox) => a with { Sandbox = sandbox ?? false }) with
            {
                Order = 1,
                Show = (a, shown) => AccountField.Add(shown, "sandbox", a.Sandbox ? true : null),
            },
            OfServer(
                AccountField.Of(
                    "host",
                    Text(253).Checked("invalid_host", AccountRules.HostFault),
                    a => a.Host,
                    (a, host) => a with { Host = host },
                    required: true
                )
            ),
            OfServer(AccountField.Of("port", Whole(1, 65_535), a => a.Port, (a, port) => a with { Port = port ?? 0 }, required: true)),
            OfServer(
                AccountField.Of(
                    "security",
                    Choice(Securities),
                    a => a.Security,
                    (a, security) => a with { Security = security ?? SmtpSecurity.Tls },
                    required: true,
                    says: "`none`, `starttls`, `tls`, `starttls_when_available`."
                )
            ),
            OfServer(
                AccountField.Of("verify_certificate", Flag, a => a.VerifyCertificate, (a, on) => a with { VerifyCertificate = on ?? true })
            ),
            OfServer(Nested.Group("auth", Auth, a => a.User is not null)),
            AccountField.Of(
                "secret_expires_at",
                Time,
                a => a.SecretExpiresAt,
                (a, at) => a with { SecretExpiresAt = at },
                says: "When the provider's secret or password ends: told 30, 7 and 1 days ahead (`account.secret_expiring`)."
            ) with
            {
                Show = (a, shown) => AccountField.Add(shown, "secret_expires_at", Instant(a.SecretExpiresAt)),
            },
            OfServer(OAuthFields.Customer),
            MailRuleFields.Limits<SmtpAccount>(a => a.Limits, (a, limits) => a with { Limits = limits }, ofAccount: true),
            Number("max_connections", 100, a => a.MaxConnections, (a, most) => a with { MaxConnections = most ?? 8 }),
            Number(
                "max_messages_per_connection",
                10_000,
                a => a.MaxMessagesPerConnection,
                (a, most) => a with { MaxMessagesPerConnection = most ?? 100 }
            ),
            Number("max_recipients", 1_000, a => a.MaxRecipients, (a, most) => a with { MaxRecipients = most ?? 50 }),
            OrDefault(
                AccountField.Of(
                    "pipelining",
                    Choice(Pipelinings),
                    a => a.Pipelining,
                    (a, pipelining) => a with { Pipelining = pipelining ?? SmtpPipelining.Next },
                    says: "Where the server offers PIPELINING: `off`, `envelope`, `next`."
                ),
                a => a.Pipelining == SmtpPipelining.Next
            ),
            OrDefault(
                AccountField.Of(
                    "chunking",
                    Whole(0, 64),
                    a => a.Chunking,
                    (a, most) => a with { Chunking = most ?? 0 },
                    says: "Messages that may be unanswered where the server offers CHUNKING; 0: none go so."
                ),
                a => a.Chunking == 0
            ),
            Nested.Of("dkim", Dkim, NoDkim, (SmtpAccount a) => a.Dkim, (a, dkim) => a with { Dkim = dkim }),
            DkimKeyFields.Field,
            AccountField.Of(
                "from_allowed",
                Texts(1_000, AccountRules.AllowedFault),
                a => a.FromAllowed,
                (a, allowed) => a with { FromAllowed = allowed }
            ) with
            {
                Always = true,
            },
            MailRuleFields.LargeFilesRule<SmtpAccount>(
                a => a.LargeFiles,
                (a, rule) => a with { LargeFiles = rule },
                says: "Absent: the tenant's rule."
            ),
            MailRuleFields.ExpiresAfter<SmtpAccount>(
                a => a.ExpiresAfter,
                (a, time) => a with { ExpiresAfter = time },
                "Seconds after acceptance or `send_at`, 60 to 31,536,000, for messages without `expires_at`; absent: the tenant's rule."
            ),
            MailRuleFields.Retry<SmtpAccount>(
                a => a.Retry,
                (a, retry) => a with { Retry = retry },
                "Waits before each retry; absent: the tenant's schedule."
            ),
            AccountField.Of("description", Text(1_000), a => a.Description, (a, text) => a with { Description = text }),
            AccountField.Of("by_tenant", Flag, a => a.ByTenant, (a, by) => a with { ByTenant = by ?? false }) with
            {
                Use = FieldUse.Stored,
                Bind = AccountRules.SetBy,
                Show = null,
            },
            AccountField.Of("paused", Flag, a => a.Paused, (a, paused) => a with { Paused = paused ?? false }) with
            {
                Use = FieldUse.Answers,
                Always = true,
                InColumn = true,
                Bind = AccountRules.Paused,
            },
            AccountField.Answered("waiting_for", new("Wait") { Known = true }),
            AccountField.Answered("limits_now", new("array") { Items = new("object") { Object = LimitUsageFields.Members } }) with
            {
                Shown = "How far each limit of this account is used up.",
            },
            AccountField.Answered("destinations_now", DestinationUsageFields.List) with
            {
                Shown = "Domains whose limit is used, those that hold mail up first; at most 100.",
            },
            AccountField.Answered("circuit", new("object") { Object = CircuitFields.Members }),
            AccountField.Answered("adaptive", new("object") { Object = AdaptedRateFields.Members }),
            AccountField.Answered("pipelining_now", Choice(Pipelinings).Shape),
            AccountField.Answered("pipelining_why", Shape.Text),
            AccountField.Answered("in_flight", Shape.Whole(0)),
        ]
    )
    {
        Says = "An SMTP account: a host, or `sandbox: true`.",
    };

    public static readonly Noun<SmtpAccount> Noun = new(
        "account",
        "accounts",
        Members,
        (tenant, id) =>
            new()
            {
                Key = default,
                Tenant = tenant,
                Id = id,
                Version = 0,
            }
    )
    {
        Secrets =
        [
            new("password", "password", a => a.Password, (a, password) => a with { Password = password }),
            OAuthFields.Sealed,
            DkimKeyFields.Sealed,
            new("dkim_key", "dkim_key", a => a.Dkim is { } dkim ? KeyOf(dkim) : null, WithDkimKey) { Owned = "dkim" },
        ],
        IsNumbered = true,
        LeavesTombstone = true,
        Stamp = Stamped,
    };

    /// <summary>A member of accounts that have a server of their own; those of the built-in catcher have none.</summary>
    private static AccountField OfServer(AccountField field) =>
        field with
        {
            Required = false,
            Bind = (members, a, before) => a.Sandbox ? AccountRules.NotAllowed(members, field.Name, a) : field.Bind!(members, a, before),
            Show = (a, shown) =>
            {
                if (!a.Sandbox)
                    field.Show!(a, shown);
            },
        };

    private static AccountField Number(string name, int most, Func<SmtpAccount, int?> get, Func<SmtpAccount, int?, SmtpAccount> set) =>
        AccountField.Of(name, Whole(1, most), get, set) with
        {
            Always = true,
        };

    /// <summary>A default is not stored: the row of an account that chose nothing stays as it was, and follows the default.</summary>
    private static AccountField OrDefault(AccountField field, Func<SmtpAccount, bool> isDefault) =>
        field with
        {
            Always = true,
            Keep = (a, kept) =>
            {
                if (!isDefault(a))
                    field.Keep!(a, kept);
            },
            Tell = field.Keep,
        };

    private static string? KeyOf(DkimKey dkim) => dkim.PrivateKey.Length > 0 ? dkim.PrivateKey : null;

    private static DkimKey WithKey(DkimKey dkim, string? key) => new(dkim.Domain, dkim.Selector, key ?? "");

    private static SmtpAccount WithDkimKey(SmtpAccount account, string? key) =>
        account.Dkim is { } dkim ? account with { Dkim = WithKey(dkim, key) } : account;

    // Without its key mail is not signed.
    private static SmtpAccount Stamped(SmtpAccount account, int number, long version) =>
        account with
        {
            Key = new(number),
            Version = version,
            Dkim = account.Dkim is { PrivateKey.Length: 0 } ? null : account.Dkim,
        };
}
