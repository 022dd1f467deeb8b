using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Configuration.Webhooks;

/// <summary>What a webhook's members must be, and what is kept of the one that is there.</summary>
internal static class WebhookRules
{
    // A conversation tells one report at a time, so that a small one would be slow.
    private const int SyncBatch = 100;

    /// <summary>Most events a request where nobody says how many.</summary>
    public static int UsualBatch(ReportStyle style) => style == ReportStyle.Events ? 1 : SyncBatch;

    public static string? TypeFault(string type) => EventNames.All.Find(type) is null ? "There is no such event type." : null;

    /// <summary>What answers show of an address may be put back, and is then the address that is there.</summary>
    public static WebhookEndpoint Url(MemberReader members, WebhookEndpoint now, WebhookEndpoint? before) =>
        now with
        {
            Url = members.Url("url", required: true, query: true, before?.Url)?.OriginalString ?? "",
        };

    /// <summary>Only pausing and resuming change it.</summary>
    public static WebhookEndpoint Paused(MemberReader members, WebhookEndpoint now, WebhookEndpoint? before)
    {
        members.ReadOnly("paused");
        return now with { Paused = before?.Paused ?? false };
    }

    /// <summary>The one that is there is kept with the one before it, unless another is given, or the address changes; where there is none,
    /// or null is given, one is made.</summary>
    public static WebhookEndpoint Secret(MemberReader members, WebhookEndpoint now, WebhookEndpoint? before)
    {
        members.ReadOnly("secret_set");
        var isRenewed = members.IsNull("secret");
        if (members.Text("secret", 256) is { } given)
        {
            if (WebhookSignature.Key(given) is not { Length: >= 24 and <= 64 })
                members.Fault("secret", "invalid_secret", "Must be whsec_ and base64 of 24 to 64 bytes.");
            return now with { Secret = given };
        }

        if (before is null || isRenewed)
            return now with { Secret = WebhookSignature.NewSecret() };

        // Requests to a place that its owner never named must not be signed with it.
        if (now.Url != before.Url)
            members.Fault("secret", "secret_required", "The url changes: send the secret again, or null for a new one.");
        return now with { Secret = before.Secret, PreviousSecret = before.PreviousSecret, PreviousUntil = before.PreviousUntil };
    }

    /// <summary>A style that this program does not know must not be reported to in another.</summary>
    public static WebhookEndpoint ReadStyle(WebhookEndpoint webhook, JsonElement kept)
    {
        var style = (ReportStyle)kept.GetProperty("style").GetByte();
        return Enum.IsDefined(style)
            ? webhook with
            {
                Style = style,
            }
            : throw new UnreadableResourceException($"Its style {(int)style} is none that this program knows.");
    }
}
