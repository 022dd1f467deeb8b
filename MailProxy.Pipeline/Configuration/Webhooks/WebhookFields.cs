using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using static MailProxy.Pipeline.Configuration.Forms;
using WebhookField = MailProxy.Pipeline.Configuration.Field<MailProxy.Pipeline.Configuration.Webhooks.WebhookEndpoint>;

namespace MailProxy.Pipeline.Configuration.Webhooks;

/// <summary>What a webhook is made of.</summary>
public static class WebhookFields
{
    /// <summary>The action that lets an endpoint report again, also one that was disabled by failures.</summary>
    public const string Resume = "resume";

    private static readonly Shape Types = new("array")
    {
        Items = Shape.Text with { Choices = [.. EventNames.All.Select(static type => type.Name)] },
        MostItems = EventNames.All.Count,
    };

    /// <summary>A replay as it is answered.</summary>
    public static readonly FieldList<ReplayProgress> Replay = new(
        "WebhookReplay",
        [
            Field<ReplayProgress>.Answered("left", Shape.Whole(format: "int64"), replay => replay.Through - replay.Acknowledged) with
            {
                Always = true,
            },
        ]
    )
    {
        Shown = "A replay under way: how many positions of the log it has before it.",
    };

    private static readonly FieldList<WebhookEndpoint> Members = new(
        "Webhook",
        [
            WebhookField.Id(w => w.Id),
            WebhookField.Answered("tenant", Shape.Text, w => w.Tenant) with
            {
                Always = true,
            },
            WebhookField.Of("url", Text(2_048), w => w.Url, (w, url) => w with { Url = url ?? "" }, required: true) with
            {
                Always = true,
                InColumn = true,
                Bind = WebhookRules.Url,
                Show = (w, shown) => shown["url"] = ShownUrl.Of(w.Url),
                Tell = (w, told) => told["url"] = ShownUrl.Of(w.Url),
            },
            WebhookField.Of(
                "types",
                Texts(EventNames.All.Count, WebhookRules.TypeFault) with
                {
                    Shape = Types,
                },
                w => w.Types,
                (w, types) => w with { Types = types },
                says: "Event types wanted; absent: all."
            ) with
            {
                Always = true,
                InColumn = true,
            },
            WebhookField.Of(
                "style",
                Choice(ReportStyles.Names),
                w => w.Style,
                (w, style) => w with { Style = style ?? ReportStyle.Events },
                says: "`events` (default; Standard Webhooks 1.0), `sync` (delivery reports whose answers steer the next one), `genro` "
                    + "(those of genro-mail-proxy), or `genro_final` (the same as of 2025)."
            ) with
            {
                Always = true,
                InColumn = true,
                Keep = (w, kept) => kept["style"] = (long)w.Style,
                Read = WebhookRules.ReadStyle,
                Tell = (w, told) => told["style"] = w.Style.Name(),
            },
            WebhookField.Of("final_only", Flag, w => w.FinalOnly, (w, only) => w with { FinalOnly = only ?? false }) with
            {
                Always = true,
                InColumn = true,
            },
            WebhookField.Of(
                "max_batch",
                Whole(1, 1_000),
                w => w.MaxBatch,
                (w, most) => w with { MaxBatch = most ?? WebhookRules.UsualBatch(w.Style) },
                says: "Events a request, 1 to 1,000; default 1, with style sync 100."
            ) with
            {
                Always = true,
                InColumn = true,
            },
            WebhookField.Of(
                "empty_reports",
                Flag,
                w => w.EmptyReports,
                (w, on) => w with { EmptyReports = on ?? true },
                says: "Styles `sync`, `genro` and `genro_final`: whether it is called when there is nothing to report; default true."
            ) with
            {
                InColumn = true,
                Show = (w, shown) => WebhookField.Add(shown, "empty_reports", w.EmptyReports ? null : false),
                Tell = (w, told) => WebhookField.Add(told, "empty_reports", w.EmptyReports ? null : false),
            },
            WebhookField.Answered("status", Shape.Text with { Choices = ["enabled", "paused", "disabled"] }) with
            {
                Always = true,
            },
            WebhookField.Of("paused", Flag, w => w.Paused, (w, paused) => w with { Paused = paused ?? false }) with
            {
                Use = FieldUse.Answers,
                Always = true,
                InColumn = true,
                Bind = WebhookRules.Paused,
            },
            SourceAuthFields.Of<WebhookEndpoint>(
                w => w.Auth,
                (w, auth) => w with { Auth = auth },
                (now, before) => before is not null && now.Url != before.Url,
                says: "Sent with every request; its secret is write-only and kept when absent."
            ) with
            {
                Order = 1,
            },
            new("secret", Shape.Text with { Longest = 256 })
            {
                Secret = true,
                Always = true,
                Says = "Write-only: `whsec_` and base64 of 24 to 64 bytes. Absent: kept, or made at creation; null: made anew.",
                Bind = WebhookRules.Secret,
                Show = (_, shown) => shown["secret_set"] = true,
            },
            WebhookField.Answered("secret", Shape.Text) with
            {
                Shown = "Only in the answer that created the webhook or its new secret.",
            },
            new("previous_until", Shape.Whole(format: "int64"))
            {
                Use = FieldUse.Stored,
                InColumn = true,
                Keep = (w, kept) => WebhookField.Add(kept, "previous_until", w.PreviousUntil),
                Read = (w, kept) => kept.TryGetProperty("previous_until", out var until) ? w with { PreviousUntil = until.GetInt64() } : w,
                Tell = static (_, _) => { },
            },
            WebhookField.Answered("previous_secret_until", Shape.Time),
            WebhookField.Answered("backlog", Shape.Whole(format: "int64")) with
            {
                Always = true,
            },
            WebhookField.Answered("backlog_capped", Shape.Flag),
            WebhookField.Answered("lag_seconds", Shape.Decimal) with
            {
                Always = true,
            },
            WebhookField.Answered("replay", new("object") { Object = Replay }),
            WebhookField.Answered("failures", Shape.Whole()) with
            {
                Always = true,
            },
            WebhookField.Answered("failing_since", Shape.Time),
            WebhookField.Answered("disabled_at", Shape.Time),
            WebhookField.Answered("last_error", Shape.Text),
        ]
    );

    public static readonly Noun<WebhookEndpoint> Noun = new(
        "webhook",
        "webhooks",
        Members,
        (tenant, id) => new(tenant, id, "", "", [], FinalOnly: false, MaxBatch: 1, Paused: false)
    )
    {
        Secrets =
        [
            new("secret", "secret", w => w.Secret.Length > 0 ? w.Secret : null, (w, secret) => w with { Secret = secret ?? "" })
            {
                Always = true,
            },
            new("previous_secret", null, w => w.PreviousSecret, (w, secret) => w with { PreviousSecret = secret }),
            SourceAuthFields.Sealed<WebhookEndpoint>("auth", "auth", w => w.Auth, (w, auth) => w with { Auth = auth }),
        ],
        HasConfig = false,
        IsDated = false,
        SpoilsAlone = true,
        Stamp = static (webhook, _, version) => webhook with { Version = version },
    };
}
