using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Sharing;
using static MailProxy.Pipeline.Configuration.Forms;
using ShareField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Sharing.HeldShare>;
using TenantField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Accounts.Tenant>;

namespace MailProxy.Pipeline.Configuration.Tenants;

/// <summary>What a tenant is made of.</summary>
public static class TenantFields
{
    private static readonly AttachmentEndpoint NoEndpoint = new(new("http://localhost/"));

    /// <summary>Its part of one thing, which whoever answers adds to <c>shares</c>.</summary>
    public static readonly FieldList<HeldShare> Share = new(
        "Share",
        [
            ShareField.Answered("held", Shape.Whole(format: "int64"), share => share.Held) with
            {
                Always = true,
            },
            ShareField.Answered("allowed", Shape.Whole(format: "int64"), share => share.Allowed) with
            {
                Always = true,
            },
        ]
    )
    {
        Shown = "What a tenant holds now of something that tenants share, and the most that it may hold now.",
    };

    private static readonly Form<Retention?> Retain = Text(32)
        .Checked(
            "invalid_choice",
            static text => Retention.Parse(text!) is null ? "Must be none, until_reported, or days such as 7d (1 to 3650)." : null
        )
        .As(static text => text is null ? null : Retention.Parse(text), static retain => retain?.ToString()) with
    {
        Shape = Shape.Text with { Longest = 32, Pattern = "^(none|until_reported|[0-9]{1,4}d)$" },
        Read = static json =>
            Retention.Parse(json.GetString()!) ?? throw new UnreadableResourceException($"Its retention '{json}' is unknown."),
    };

    private static readonly FieldList<AttachmentEndpoint> Endpoint = new(
        "AttachmentEndpoint",
        [
            UrlFields.Hidden<AttachmentEndpoint>("url", endpoint => endpoint.Url, (endpoint, url) => endpoint with { Url = url }),
            SourceAuthFields.Of<AttachmentEndpoint>(
                endpoint => endpoint.Auth,
                (endpoint, auth) => endpoint with { Auth = auth },
                (now, before) => now.Url.OriginalString != before?.Url.OriginalString,
                says: "Absent or null: none; a secret of it that is absent is kept while the url stays the same."
            ),
        ]
    );

    private static readonly FieldList<Tenant> Members = new(
        "Tenant",
        [
            TenantField.Id(t => t.Id),
            TenantField.Of("name", Text(200), t => t.Name, (t, name) => t with { Name = name ?? "" }, required: true) with
            {
                Always = true,
                Order = -1,
            },
            TenantField.Of(
                "active",
                Flag,
                t => t.Active,
                (t, active) => t with { Active = active ?? true },
                says: "False suspends its sending; default true."
            ) with
            {
                Always = true,
                Shown = "False: sending is suspended, and all its mail waits.",
            },
            TenantField.Of(
                "default_account",
                ObjectId,
                t => t.DefaultAccount,
                (t, account) => t with { DefaultAccount = account },
                says: "The account of messages that name none."
            ) with
            {
                Order = -1,
            },
            TenantField.Of(
                "default_pool",
                ObjectId,
                t => t.DefaultPool,
                (t, pool) => t with { DefaultPool = pool },
                says: "The pool of messages that name neither account nor pool; instead of `default_account`."
            ) with
            {
                Order = -1,
            },
            TenantField.Of<bool?>(
                "suppress_bounces",
                Flag,
                t => t.SuppressBounces ? true : null,
                (t, suppress) => t with { SuppressBounces = suppress ?? false },
                says: "True: an address that a server refuses with 5.1.1, 5.1.2 or 5.1.10 comes onto the suppression list."
            ),
            MailRuleFields.Limits<Tenant>(t => t.Limits, (t, limits) => t with { Limits = limits }, says: "Of all its accounts together."),
            MailRuleFields.ExpiresAfter<Tenant>(
                t => t.ExpiresAfter,
                (t, after) => t with { ExpiresAfter = after },
                says: "Seconds after acceptance or `send_at`, 60 to 31,536,000, for messages without `expires_at`; "
                    + "absent: the installation's rule."
            ),
            MailRuleFields.Retry<Tenant>(
                t => t.Retry,
                (t, retry) => t with { Retry = retry },
                says: "Waits before each retry; absent: the installation's schedule."
            ),
            TenantField.Of(
                "retain",
                Retain,
                t => t.Retain,
                (t, retain) => t with { Retain = retain },
                says: "How long bodies and attachments stay: `none`, `until_reported`, or days such as `7d`."
            ),
            MailRuleFields.LargeFilesRule<Tenant>(t => t.LargeFiles, (t, large) => t with { LargeFiles = large }),
            Nested.Of<Tenant, AttachmentEndpoint>(
                "attachment_endpoint",
                Endpoint,
                NoEndpoint,
                t => t.AttachmentEndpoint,
                (t, endpoint) => t with { AttachmentEndpoint = endpoint }
            ) with
            {
                Keep = (t, kept) => TenantField.Add(kept, StoredUrl, Node(t.AttachmentEndpoint?.Url.OriginalString)),
                Tell = (t, told) => TenantField.Add(told, StoredUrl, Node(t.AttachmentEndpoint is { } e ? UrlFields.Shown(e.Url) : null)),
                Read = (t, kept) =>
                    kept.TryGetProperty(StoredUrl, out var url)
                        ? t with
                        {
                            AttachmentEndpoint = new(HttpAddress.Stored(url.GetString()!)),
                        }
                        : t,
            },
            TenantField.Answered("shares", new("object") { Values = new("object") { Object = Share } }) with
            {
                Always = true,
                Shown = "Its part of each thing that tenants share, at this moment.",
            },
        ]
    )
    {
        Says = "A tenant.",
        Rules = (members, tenant, _) =>
        {
            members.ReadOnly("waiting_for");
            if (tenant is { DefaultPool: not null, DefaultAccount: not null })
                members.Fault("default_pool", "conflict", "Give default_account or default_pool, not both.");
            return tenant;
        },
    };

    private const string StoredUrl = "attachment_url";

    public static readonly Noun<Tenant> Noun = new("tenant", "tenants", Members, static (_, id) => new() { Id = id, Name = "" })
    {
        IsTenant = true,
        IsNumbered = true,
        Stamp = static (tenant, number, _) => tenant with { Number = number },
        Secrets = [new("attachment_auth", "auth", AuthOf, WithAuth)],
    };

    private static string? AuthOf(Tenant tenant) => tenant.AttachmentEndpoint?.Auth is { } auth ? StoredAuth.ToText(auth) : null;

    private static Tenant WithAuth(Tenant tenant, string? auth) =>
        tenant.AttachmentEndpoint is { } endpoint
            ? tenant with
            {
                AttachmentEndpoint = endpoint with { Auth = auth is null ? null : StoredAuth.FromText(auth) },
            }
            : tenant;
}
