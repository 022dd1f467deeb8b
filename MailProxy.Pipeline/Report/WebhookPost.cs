using System.Globalization;
using System.Net;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>What a webhook request came to: a closed set.</summary>
internal abstract record WebhookResult
{
    private WebhookResult() { }

    /// <summary>Answered with 2xx.</summary>
    public sealed record Acknowledged : WebhookResult;

    /// <summary>Answered with 410: the endpoint wants no more.</summary>
    public sealed record Gone : WebhookResult;

    /// <param name="Error">For a person; holds nothing of the answer's body.</param>
    public sealed record Failed(string Error, TimeSpan? RetryAfter = null) : WebhookResult;

    /// <summary>We stopped.</summary>
    public sealed record LetGo : WebhookResult;
}

/// <summary>Sends one request to one endpoint: signed, within the time, its answer's body read up to a cap and forgotten.</summary>
internal sealed class WebhookPost(WebhookEndpoint endpoint, HttpMessageInvoker http, ReportOptions options, TimeProvider clock)
{
    private readonly byte[]? _key = WebhookSignature.Key(endpoint.Secret);
    private readonly Uri? _url = Uri.TryCreate(endpoint.Url, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;

    public async Task<WebhookResult> SendAsync(OutboxRequest outgoing, CancellationToken stop)
    {
        if (_key is null) return new WebhookResult.Failed("The secret is not whsec_ and base64.");
        if (_url is null) return new WebhookResult.Failed("The address is not an http or https URL.");
        using var timeout = new CancellationTokenSource(options.WebhookTimeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            using var request = Request(outgoing);
            using var response = await http.SendAsync(request, both.Token);
            var result = Judge(response);
            await DiscardAsync(response.Content, both.Token);
            return result;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new WebhookResult.LetGo();
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return new WebhookResult.Failed($"No answer within {options.WebhookTimeout.TotalSeconds:0.#} s.");
        }
        catch (HttpRequestException fault)
        {
            return new WebhookResult.Failed((fault.InnerException as AddressRefusedException)?.Message ?? fault.Message);
        }
        catch (AddressRefusedException refused)
        {
            return new WebhookResult.Failed(refused.Message);
        }
        catch (OperationCanceledException)
        {
            return new WebhookResult.Failed("The connection could not be opened in time.");
        }
    }

    private HttpRequestMessage Request(OutboxRequest outgoing)
    {
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, _url) { Content = new ByteArrayContent(outgoing.Body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", "MailProxy");
        request.Headers.TryAddWithoutValidation("webhook-id", outgoing.Id);
        request.Headers.TryAddWithoutValidation("webhook-timestamp", now.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", WebhookSignature.Sign(_key!, outgoing.Id, now, outgoing.Body));
        return request;
    }

    private WebhookResult Judge(HttpResponseMessage response) => response switch
    {
        { IsSuccessStatusCode: true } => new WebhookResult.Acknowledged(),
        { StatusCode: HttpStatusCode.Gone } => new WebhookResult.Gone(),
        { Headers.RetryAfter: { } after } => new WebhookResult.Failed(Status(response), after.Delta ?? after.Date - clock.GetUtcNow()),
        _ => new WebhookResult.Failed(Status(response)),
    };

    private static string Status(HttpResponseMessage response) =>
        string.Create(CultureInfo.InvariantCulture, $"Answered with HTTP status {(int)response.StatusCode}.");

    // The status has been given; the body is only read so that the connection can be used again, and how that goes changes nothing.
    private async Task DiscardAsync(HttpContent content, CancellationToken cancel)
    {
        try
        {
            await using var body = await content.ReadAsStreamAsync(cancel);
            var buffer = new byte[4096];
            int read;
            for (var left = options.WebhookAnswerBytes; left > 0; left -= read)
            {
                read = await body.ReadAsync(buffer.AsMemory(0, Math.Min(buffer.Length, left)), cancel);
                if (read == 0) return;
            }
        }
        catch (Exception broken) when (broken is IOException or HttpRequestException or OperationCanceledException)
        {
            // as said above
        }
    }
}
