using System.Diagnostics;

namespace MailProxy.Pipeline.Telemetry;

/// <summary>
/// The spans of the way of a mail (OpenTelemetry). They are made when a stage is done with it, with the times that were; nobody's current
/// activity is looked at or changed. While nobody listens to the source none is made, and asking costs one comparison.
/// </summary>
/// <remarks>
/// A span is a child of what the message's request brought along, or of <see cref="Accept"/>, whose context is stored with the message: so
/// those after a restart belong to the same trace.
/// </remarks>
public static class MailSpans
{
    /// <summary>The name of the source, to subscribe to.</summary>
    public const string SourceName = "MailProxy";

    /// <summary>Names of the spans.</summary>
    public const string Accept = "accept",
        Persist = "persist",
        Queue = "queue",
        Resolve = "resolve",
        Fetch = "fetch",
        Send = "send",
        Report = "report",
        Webhook = "webhook";

    private const int MostLinks = 128; // as many as OpenTelemetry keeps

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Whether somebody listens.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>Begins a span; null: it is not recorded.</summary>
    /// <param name="parent">Null: it begins a trace of its own.</param>
    /// <param name="links">Traces that it also has to do with; null: none.</param>
    public static MailSpan? Begin(
        string name,
        ActivityKind kind,
        TraceContext? parent,
        DateTimeOffset start,
        IEnumerable<TraceContext?>? links = null
    )
    {
        if (!Source.HasListeners())
            return null;
        var current = Activity.Current;
        Activity.Current = null; // without a parent, it would be that
        try
        {
            var activity = Source.StartActivity(kind, parent?.ToActivity() ?? default, links: Links(links), startTime: start, name: name);
            if (activity is { IsAllDataRequested: true, Recorded: true })
                return new(activity);
            activity?.Dispose();
            return null;
        }
        finally
        {
            Activity.Current = current;
        }
    }

    private static ActivityLink[]? Links(IEnumerable<TraceContext?>? links) =>
        links is null
            ? null
            : [.. links.OfType<TraceContext>().Distinct().Take(MostLinks).Select(static one => new ActivityLink(one.ToActivity()))];
}
