using System.Globalization;
using System.Net;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Report;

/// <summary>Sends one signed request to one endpoint within the timeout, and reads its answer up to a cap.</summary>
/// <param name="requests">Limits the requests of all endpoints together; null: no limit.</param>
/// <param name="terms">What an answer has to be; null: the ordinary.</param>
/// <param name="answers">Where answers are noted; null: nowhere.</param>
internal sealed class WebhookPost(
    WebhookEndpoint endpoint,
    HttpMessageInvoker http,
    ReportOptions options,
    TimeProvider clock,
    SharedCapacity? requests = null,
    AnswerTerms? terms = null,
    EndpointAnswers? answers = null
)
{
    // Space for a thousand of the longest ids, twice.
    private const int LongestAnswer = 512 * 1024;

    private readonly AnswerTerms _terms = terms ?? new(options.WebhookTimeout);
    private readonly byte[]? _key = WebhookSignature.Key(endpoint.Secret);
    private readonly byte[]? _previous = endpoint.PreviousSecret is { } secret ? WebhookSignature.Key(secret) : null;
    private readonly Uri? _url = Uri.TryCreate(endpoint.Url, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;

    /// <param name="id">The value of <c>webhook-id</c>.</param>
    /// <param name="events">What it is about.</param>
    /// <param name="wantsAnswer">Return the body of a successful answer; a body that breaks off, or is too long, is then a
    /// failure.</param>
    public async Task<WebhookResult> SendAsync(
        string id,
        byte[] body,
        IReadOnlyList<MailEvent> events,
        bool wantsAnswer,
        CancellationToken stop
    )
    {
        if (_key is null)
            return new WebhookResult.Failed("The secret is not whsec_ and base64.");
        if (_url is null)
            return new WebhookResult.Failed("The address is not an http or https URL.");
        if (requests is null)
            return await PostAsync(id, body, events, wantsAnswer, stop);
        SharedCapacity.Charge turn;
        try
        {
            turn = await requests.TakeAsync(endpoint.Tenant, 1, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new WebhookResult.Cancelled();
        }

        using (turn)
            return await PostAsync(id, body, events, wantsAnswer, stop);
    }

    private async Task<WebhookResult> PostAsync(
        string id,
        byte[] body,
        IReadOnlyList<MailEvent> events,
        bool wantsAnswer,
        CancellationToken stop
    )
    {
        var span = WebhookSpan.Begin(endpoint, _url!, events, clock.GetUtcNow());
        var (seen, began) = (new Seen(), clock.GetTimestamp());
        var result = await PostAsync(id, body, span, wantsAnswer, seen, stop);
        span?.End(result, seen.Status, clock.GetUtcNow());
        if (answers is null || result is WebhookResult.Cancelled)
            return result;
        var error = result switch
        {
            WebhookResult.Failed failed => failed.Error,
            WebhookResult.Gone => "Answered with HTTP status 410: it wants no events any more.",
            _ => null,
        };
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        answers.Note(endpoint, new(id, now, clock.GetElapsedTime(began), seen.Status, error, seen.Excerpt));
        return result;
    }

    private async Task<WebhookResult> PostAsync(
        string id,
        byte[] body,
        WebhookSpan? span,
        bool wantsAnswer,
        Seen seen,
        CancellationToken stop
    )
    {
        using var timeout = new CancellationTokenSource(_terms.Timeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            using var request = Request(id, body);
            span?.AddTo(request.Headers);
            using var response = await http.SendAsync(request, both.Token);
            seen.Status = (int)response.StatusCode;
            void Look(ReadOnlySpan<byte> first) =>
                seen.Excerpt = answers is null ? null : AnswerExcerpt.Of(first, endpoint, request.Headers);
            var result = Judge(response);
            if (wantsAnswer && result is WebhookResult.Acknowledged)
            {
                var read = _terms.StatusDecides
                    ? await ReadAnyAsync(response.Content, both.Token, stop)
                    : await ReadAsync(response.Content, both.Token);
                if (read is WebhookResult.Acknowledged { Body: var answer })
                    Look(answer.Span);
                return read;
            }

            await DiscardAsync(response.Content, Look, both.Token);
            return result;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new WebhookResult.Cancelled();
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return new WebhookResult.Failed($"No answer within {_terms.Timeout.TotalSeconds:0.#} s.");
        }
        catch (OperationCanceledException)
        {
            return new WebhookResult.Failed("The connection could not be opened in time.");
        }
        catch (FormatException error) when (error is not UriFormatException)
        {
            return new WebhookResult.Failed($"{error.Message}.");
        }
        catch (Exception error)
        {
            // Whatever a stored row or a misbehaving server caused is a failure of this endpoint, and is recorded as one.
            return new WebhookResult.Failed(HttpTrouble.Sentence(error, _url));
        }
    }

    private HttpRequestMessage Request(string id, byte[] body)
    {
        var now = clock.GetUtcNow();
        var timestamp = now.ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, _url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TryAddWithoutValidation("User-Agent", "MailProxy");
        request.Headers.TryAddWithoutValidation("webhook-id", id);
        request.Headers.TryAddWithoutValidation("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", WebhookSignature.Sign(Keys(now), id, timestamp, body));
        CredentialHeader.Add(request.Headers, endpoint.Auth);
        return request;
    }

    // The newest key first; a receiver that knows only the old key checks the second signature.
    private byte[][] Keys(DateTimeOffset now) =>
        _previous is not null && endpoint.PreviousUntil > now.ToUnixTimeMilliseconds() ? [_key!, _previous] : [_key!];

    private WebhookResult Judge(HttpResponseMessage response) =>
        response switch
        {
            _ when _terms.StatusDecides => (int)response.StatusCode < 400
                ? new WebhookResult.Acknowledged(default)
                : new WebhookResult.Failed(Status(response)),
            { IsSuccessStatusCode: true } => new WebhookResult.Acknowledged(default),
            { StatusCode: HttpStatusCode.Gone } => new WebhookResult.Gone(),
            { Headers.RetryAfter: { } after } => new WebhookResult.Failed(Status(response), after.Delta ?? after.Date - clock.GetUtcNow()),
            _ => new WebhookResult.Failed(Status(response)),
        };

    private static string Status(HttpResponseMessage response) =>
        string.Create(CultureInfo.InvariantCulture, $"Answered with HTTP status {(int)response.StatusCode}.");

    private static async Task<WebhookResult> ReadAsync(HttpContent content, CancellationToken cancel)
    {
        await using var body = await content.ReadAsStreamAsync(cancel);
        using var answer = new MemoryStream();
        var part = new byte[4096];
        while (await body.ReadAsync(part, cancel) is var read and > 0)
        {
            // A truncated answer might have contained ids of messages that must be sent again.
            if (answer.Length + read > LongestAnswer)
                return new WebhookResult.Failed($"The answer is longer than {LongestAnswer} bytes.");
            answer.Write(part, 0, read);
        }

        return new WebhookResult.Acknowledged(answer.ToArray());
    }

    // Whatever becomes of the body, the status has acknowledged.
    private static async Task<WebhookResult> ReadAnyAsync(HttpContent content, CancellationToken cancel, CancellationToken stop)
    {
        try
        {
            return await ReadAsync(content, cancel) is WebhookResult.Acknowledged read ? read : new WebhookResult.Acknowledged(default);
        }
        catch (Exception error)
            when (error is IOException or HttpRequestException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            return new WebhookResult.Acknowledged(default);
        }
    }

    // The status is already decided; the body is only read so that the connection can be reused, and an error here changes nothing.
    private async Task DiscardAsync(HttpContent content, LookAtFirst look, CancellationToken cancel)
    {
        try
        {
            await using var body = await content.ReadAsStreamAsync(cancel);
            var buffer = new byte[AnswerExcerpt.Looked];
            int read;
            for (var left = options.WebhookAnswerBytes; left > 0; left -= read)
            {
                read = await body.ReadAsync(buffer.AsMemory(0, Math.Min(buffer.Length, left)), cancel);
                if (read == 0)
                    return;
                if (left == options.WebhookAnswerBytes)
                    look(buffer.AsSpan(0, read));
            }
        }
        catch (Exception error) when (error is IOException or HttpRequestException or OperationCanceledException)
        {
            // The comment on this method says why.
        }
    }

    private delegate void LookAtFirst(ReadOnlySpan<byte> first);

    /// <summary>What was seen of an answer, also of one that broke off.</summary>
    private sealed class Seen
    {
        public int? Status { get; set; }

        public string? Excerpt { get; set; }
    }
}
