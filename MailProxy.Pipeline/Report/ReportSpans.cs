using System.Diagnostics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Report;

/// <summary>The span of an outcome from the beginning of its transaction until after the commit.</summary>
internal static class ReportSpans
{
    public static void Tell(MailContent? content, Settlement? settlement, bool written, long began, TimeProvider clock)
    {
        if (
            content?.Trace is not { } trace
            || settlement is null
            || MailSpans.Begin(MailSpans.Report, ActivityKind.Internal, trace, DateTimeOffset.FromUnixTimeMilliseconds(began))
                is not { } span
        )
            return;
        span.About(content.Key).Set("mailproxy.state", settlement.State.ToString().ToLowerInvariant());
        if (settlement.Step is QueueStep.Again { Due: > 0 and var due })
            span.Set("mailproxy.next_attempt_at", Timestamps.Write(due));
        if (!written)
            span.Failed("stale");
        span.End(clock.GetUtcNow());
    }
}
