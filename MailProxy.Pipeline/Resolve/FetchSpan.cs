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

    /// <summary>What the request for it says; null: nothing.</summary>
    public TraceContext? Told { get; }

    public FetchSpan(string tenant, string host, List<Piece> waiting, DateTimeOffset start)
    {
        if (!waiting.Exists(static piece => piece.Mail.Trace is not null))
            return;
        var shared = TraceContext.Shared(waiting.Select(static piece => piece.Mail.Trace));
        ActivityLink[]? links = shared is null
            ?
            [
                .. waiting
                    .Select(static piece => piece.Mail.Trace)
                    .OfType<TraceContext>()
                    .Distinct()
                    .Select(static one => new ActivityLink(one.ToActivity())),
            ]
            : null;
        _span = MailSpans.Begin(MailSpans.Fetch, ActivityKind.Client, shared, start, links);
        Told = shared is null ? null : _span?.Context ?? shared;
        _span
            ?.Set("mailproxy.tenant", tenant)
            .Set("mailproxy.attachment.kind", Kind(waiting[0].Wanted.Place))
            .Set("server.address", host.Length > 0 ? host : null)
            .Set("mailproxy.messages.waiting", waiting.Count);
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
