using System.Diagnostics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Ingest;

/// <summary>The span of a submission from the stage's first look at it until it is passed on; its context is what is stored.</summary>
internal static class AcceptSpan
{
    /// <summary>Null: it is not recorded, and the submission's trace is as the client named it.</summary>
    public static MailSpan? Begin(Submission submission, TimeProvider clock)
    {
        if (!MailSpans.IsOn)
            return null;
        if (MailSpans.Begin(MailSpans.Accept, ActivityKind.Server, submission.Trace, clock.GetUtcNow()) is not { } span)
            return null;
        submission.Trace = span.Context;
        span.Set("mailproxy.tenant", submission.Tenant);
        if (submission.Drafts.Count > 1)
            span.Set("messaging.batch.message_count", submission.Drafts.Count);
        return span;
    }

    /// <summary>Every message of it belongs to its trace.</summary>
    public static void Mark(AcceptedLine[] lines, TraceContext trace)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Mail is { } mail)
                lines[i] = lines[i] with { Mail = mail with { Trace = trace } };
        }
    }

    public static void End(MailSpan? span, AcceptedLine[]? lines, TimeProvider clock)
    {
        if (span is null)
            return;
        if (lines is null)
            span.Failed("unavailable");
        else if (lines is [{ Mail: { } only }])
            span.About(only.Key);
        else if (lines.Count(static line => line.Problem is not null) is var refused and > 0)
            span.Set("mailproxy.refused", refused);
        span.End(clock.GetUtcNow());
    }
}
