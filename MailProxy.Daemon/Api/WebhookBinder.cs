using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Reads a webhook as a client wrote it, over the one that is there. Pure.</summary>
internal static class WebhookBinder
{
    // A conversation tells one report at a time, so that a small one would be slow.
    private const int SyncBatch = 100;

    /// <param name="newSecret">Makes a secret for a webhook that has none.</param>
    /// <returns>The webhook, its secret "" when the stored one is kept; and whether the secret was made here and must be shown.</returns>
    public static (WebhookEndpoint Endpoint, bool ShowSecret) Bind(
        MemberReader members,
        string tenant,
        string id,
        WebhookEndpoint? existing,
        long from,
        Func<string> newSecret
    )
    {
        members.ReadOnly(
            "tenant",
            "status",
            "paused",
            "secret_set",
            "previous_secret_until",
            "backlog",
            "backlog_capped",
            "lag_seconds",
            "replay",
            "failures",
            "failing_since",
            "disabled_at",
            "last_error"
        );
        if (members.Text("id", 63) is { } given && given != id)
            members.Fault("id", "mismatch", "Must be the id in the path.");
        var url = members.Url("url", required: true, query: true, existing?.Url)?.OriginalString;
        var style = members.Choice("style", ReportStyles.Names) ?? ReportStyle.Events;
        var auth = SourceAuthFields.Bind(members.Object("auth"), existing?.Auth, existing is not null && existing.Url != url);
        var types = members.Texts(
            "types",
            EventNames.All.Count,
            type => EventNames.All.Find(type) is null ? "There is no such event type." : null
        );
        var finalOnly = members.Flag("final_only") ?? false;
        var maxBatch = members.Number("max_batch", 1, 1_000) ?? (style == ReportStyle.Sync ? SyncBatch : 1);
        var renew = members.IsNull("secret");
        var secret = members.Text("secret", 256);
        if (secret is not null && WebhookSignature.Key(secret) is not { Length: >= 24 and <= 64 })
            members.Fault("secret", "invalid_secret", "Must be whsec_ and base64 of 24 to 64 bytes.");
        if (existing is not null && secret is null && !renew && existing.Url != url)
            members.Fault("secret", "secret_required", "The url changes: send the secret again, or null for a new one.");
        members.Close();

        var made = secret is null && (existing is null || renew);
        var progress = existing?.Progress ?? new(from);
        return (
            new(tenant, id, url ?? "", made ? newSecret() : secret ?? "", types, finalOnly, maxBatch, existing?.Paused ?? false, progress)
            {
                Style = style,
                Auth = auth,
            },
            made
        );
    }
}
