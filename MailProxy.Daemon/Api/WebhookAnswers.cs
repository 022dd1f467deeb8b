using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>A webhook as clients see it, with how far it is behind.</summary>
internal sealed class WebhookAnswers(IDeliveryLog log, TimeProvider clock)
{
    /// <param name="secret">Shown only when it was made just now.</param>
    public async Task<IResult> JsonAsync(WebhookEndpoint endpoint, string? secret = null, int status = StatusCodes.Status200OK) =>
        TypedResults.Json(await OfAsync(endpoint) with { Secret = secret }, ApiJson.Plain.WebhookAnswer, statusCode: status);

    public async Task<WebhookAnswer> OfAsync(WebhookEndpoint endpoint)
    {
        var (progress, backlog) = (endpoint.Progress, await log.BacklogAsync(endpoint));
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return new(
            endpoint.Id,
            endpoint.Tenant,
            ShownUrl.Of(endpoint.Url),
            endpoint.Types,
            endpoint.Style.Name(),
            endpoint.FinalOnly,
            endpoint.MaxBatch,
            progress.DisabledAt is not null ? "disabled"
                : endpoint.Paused ? "paused"
                : "enabled",
            endpoint.Paused,
            SourceAuthAnswer.Of(endpoint.Auth),
            true,
            null,
            endpoint.PreviousUntil > now ? Times.Utc(endpoint.PreviousUntil) : null,
            backlog.Events,
            backlog.More ? true : null,
            backlog.OldestAt is { } oldest ? Math.Max(0, now - oldest) / 1000d : 0,
            progress.Replay is { } replay ? new(replay.Through - replay.Acknowledged) : null,
            progress.Failures,
            Times.Utc(progress.FailingSince),
            Times.Utc(progress.DisabledAt),
            progress.LastError
        );
    }
}
