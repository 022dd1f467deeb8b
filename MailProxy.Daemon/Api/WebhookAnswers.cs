using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>A webhook as clients see it, with how far it is behind.</summary>
internal sealed class WebhookAnswers(IDeliveryLog log, TimeProvider clock)
{
    /// <param name="secret">Shown only when it was made just now.</param>
    public async Task<JsonObject> ShowAsync(WebhookEndpoint webhook, string? secret)
    {
        // One that was deleted a moment ago is behind with nothing.
        var progress = await log.ProgressAsync(webhook.Tenant, webhook.Id) ?? new(log.Last);
        var backlog = await log.BacklogAsync(webhook with { Progress = progress });
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return WebhookFields.Noun.Fields.Show(
            webhook,
            new Dictionary<string, JsonNode?>
            {
                ["status"] =
                    progress.DisabledAt is not null ? "disabled"
                    : webhook.Paused ? "paused"
                    : "enabled",
                ["secret"] = secret,
                ["previous_secret_until"] = webhook.PreviousUntil > now ? Times.Utc(webhook.PreviousUntil) : null,
                ["backlog"] = backlog.Events,
                ["backlog_capped"] = backlog.More ? true : null,
                ["lag_seconds"] = backlog.OldestAt is { } oldest ? Math.Max(0, now - oldest) / 1000d : 0d,
                ["replay"] = progress.Replay is { } replay ? WebhookFields.Replay.Show(replay) : null,
                ["failures"] = progress.Failures,
                ["failing_since"] = Times.Utc(progress.FailingSince),
                ["disabled_at"] = Times.Utc(progress.DisabledAt),
                ["last_error"] = progress.LastError,
            }
        );
    }
}
