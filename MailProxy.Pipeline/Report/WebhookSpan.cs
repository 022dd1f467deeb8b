using System.Diagnostics;
using System.Net.Http.Headers;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// The span of one request to a webhook, and what the request says of the trace that its events belong to: only when they are all of one.
/// Otherwise the span begins a trace that is linked to theirs, and the request says nothing.
/// </summary>
internal sealed class WebhookSpan
{
    private const int MostLinks = 128;

    private readonly MailSpan? _span;
    private readonly TraceContext? _told;

    /// <param name="events">What the request is about.</param>
    public WebhookSpan(WebhookEndpoint endpoint, Uri url, IReadOnlyCollection<MailEvent> events, DateTimeOffset start)
    {
        if (!events.Any(static one => one.Trace is not null))
            return;
        var shared = TraceContext.Shared(events.Select(static one => one.Trace));
        ActivityLink[]? links = shared is null
            ?
            [
                .. events
                    .Select(static one => one.Trace)
                    .OfType<TraceContext>()
                    .Distinct()
                    .Take(MostLinks)
                    .Select(static trace => new ActivityLink(trace.ToActivity())),
            ]
            : null;
        _span = MailSpans.Begin(MailSpans.Webhook, ActivityKind.Client, shared, start, links);
        _told = shared is null ? null : _span?.Context ?? shared;
        _span
            ?.Set("mailproxy.tenant", endpoint.Tenant)
            .Set("mailproxy.webhook", endpoint.Id)
            .Set("mailproxy.events", events.Count)
            .Set("mailproxy.message.id", events.Count == 1 ? events.First().MessageId : null)
            .Set("http.request.method", "POST")
            .Set("server.address", url.Host)
            .Set("server.port", url.Port);
    }

    public void AddTo(HttpRequestHeaders headers) => _told?.AddTo(headers);

    public void Answered(int status) => _span?.Set("http.response.status_code", status);

    public void End(WebhookResult result, DateTimeOffset at)
    {
        if (result is not WebhookResult.Acknowledged)
            _span?.Failed(result.GetType().Name.ToLowerInvariant());
        _span?.End(at);
    }
}
