using System.Diagnostics;
using System.Net;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// The span of one fetch, which serves every mail that waits for it. It belongs to their trace when they are all of one, and otherwise
/// begins one that is linked to theirs.
/// </summary>
internal sealed class FetchSpan
{
    private readonly MailSpan? _span;

    private FetchSpan(MailSpan? span, TraceContext? told) => (_span, Told) = (span, told);

    /// <summary>What the request for it says; null: nothing.</summary>
    public TraceContext? Told { get; }

    /// <summary>Null: no mail that waits belongs to a trace.</summary>
    public static FetchSpan? Begin(string tenant, string host, List<Piece> waiting, DateTimeOffset start)
    {
        if (!waiting.Exists(static piece => piece.Mail.Trace is not null))
            return null;
        var all = waiting.Select(static piece => piece.Mail.Trace);
        var shared = TraceContext.Shared(all);
        var span = MailSpans.Begin(MailSpans.Fetch, ActivityKind.Client, shared, start, shared is null ? all : null);
        var place = waiting[0].Wanted.Place;
        span?.Set("mailproxy.tenant", tenant)
            .Set("mailproxy.attachment.kind", Kind(place))
            .Set("mailproxy.messages.waiting", waiting.Count);
        if (place is not AttachmentPlace.AbsolutePath && Uri.TryCreate($"tcp://{host}", UriKind.Absolute, out var server))
            span?.Set("server.address", server.Host).Set("server.port", server.Port < 0 ? null : server.Port);
        return new(span, shared is null ? null : span?.Context ?? shared);
    }

    public void Got(long bytes) => _span?.Set("mailproxy.attachment.bytes", bytes);

    public void Answered(HttpStatusCode? status) => _span?.Set("http.response.status_code", (int?)status);

    /// <param name="outcome">As the metric of fetches names it.</param>
    public void End(string outcome, DateTimeOffset at)
    {
        if (outcome != "ok")
            _span?.Failed(outcome);
        _span?.End(at);
    }

    private static string Kind(AttachmentPlace place) =>
        place switch
        {
            AttachmentPlace.Url => "url",
            AttachmentPlace.InVolume => "volume",
            AttachmentPlace.Endpoint => "endpoint",
            _ => "file",
        };
}
