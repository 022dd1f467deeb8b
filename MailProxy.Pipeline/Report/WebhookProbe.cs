using System.Text;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Report;

/// <param name="Error">In words; null when the endpoint answered with 2xx.</param>
public sealed record WebhookTest(string? Error, TimeSpan Took);

/// <summary>
/// Tests an endpoint with a request that reports nothing. The test changes neither the endpoint's position nor its series of failures.
/// </summary>
public sealed class WebhookProbe(HttpMessageInvoker http, ReportOptions options, TimeProvider clock, EndpointAnswers? answers = null)
{
    /// <summary>Ends within <see cref="ReportOptions.WebhookTimeout"/>.</summary>
    public async Task<WebhookTest> TryAsync(WebhookEndpoint endpoint, CancellationToken cancel)
    {
        var begun = clock.GetTimestamp();
        var id = $"test_{Guid.CreateVersion7():N}";
        var post = new WebhookPost(endpoint, http, options, clock, answers: answers);
        var result = await post.SendAsync(id, Body(endpoint, id), [], wantsAnswer: false, cancel);
        var took = clock.GetElapsedTime(begun);
        return result switch
        {
            WebhookResult.Acknowledged => new(null, took),
            WebhookResult.Gone => new("Answered with HTTP status 410.", took),
            WebhookResult.Failed failed => new(failed.Error, took),
            WebhookResult.Cancelled => throw new OperationCanceledException(cancel),
            _ => throw new InvalidOperationException($"Unknown result {result}."),
        };
    }

    // Ids need no escaping.
    private byte[] Body(WebhookEndpoint endpoint, string id)
    {
        if (endpoint.Style != ReportStyle.Events)
            return """{"delivery_report":[]}"""u8.ToArray();
        var at = Timestamps.Write(clock.GetUtcNow().ToUnixTimeMilliseconds());
        var data = $$"""{"tenant":"{{endpoint.Tenant}}","webhook":"{{endpoint.Id}}"}""";
        var body = $$"""{"id":"{{id}}","type":"webhook.test","timestamp":"{{at}}","data":{{data}}}""";
        return Encoding.UTF8.GetBytes(body);
    }
}
