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
    private readonly MailSpan? _span;
    private readonly TraceContext? _told;

    private WebhookSpan(MailSpan? span, TraceContext? told) => (_span, _told) = (span, told);

    /// <summary>Null: no event of the request belongs to a trace.</summary>
    /// <param name="events">What the request is about.</param>
    public static WebhookSpan? Begin(WebhookEndpoint endpoint, Uri url, IReadOnlyList<MailEvent> events, DateTimeOffset start)
    {
        if (!IsAnyOfATrace(events))
            return null;
        var all = events.Select(static one => one.Trace);
        var shared = TraceContext.Shared(all);
        var span = MailSpans.Begin(MailSpans.Webhook, ActivityKind.Client, shared, start, shared is null ? all : null);
        span?.Set("mailproxy.tenant", endpoint.Tenant)
            .Set("mailproxy.webhook", endpoint.Id)
            .Set("mailproxy.events", events.Count)
            .Set("mailproxy.message.id", events.Count == 1 ? events[0].MessageId : null)
            .Set("http.request.method", "POST")
            .Set("server.address", url.Host)
            .Set("server.port", url.Port);
        return new(span, shared is null ? null : span?.Context ?? shared);
    }

    public void AddTo(HttpRequestHeaders headers) => _told?.AddTo(headers);

    /// <param name="status">Of the answer; null: there was none.</param>
    public void End(WebhookResult result, int? status, DateTimeOffset at)
    {
        _span?.Set("http.response.status_code", status);
        if (result is not WebhookResult.Acknowledged)
            _span?.Failed(result.GetType().Name.ToLowerInvariant());
        _span?.End(at);
    }

    private static bool IsAnyOfATrace(IReadOnlyList<MailEvent> events)
    {
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Trace is not null)
                return true;
        }

        return false;
    }
}
