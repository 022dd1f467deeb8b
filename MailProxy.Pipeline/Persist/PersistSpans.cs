using System.Diagnostics;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Persist;

/// <summary>The span of a submission from the beginning of its transaction until after the commit.</summary>
internal static class PersistSpans
{
    /// <param name="began">When the transaction began to gather.</param>
    /// <param name="isStored">False: the store cannot write now.</param>
    public static void Tell(IReadOnlyList<AcceptedBatch> batches, DateTimeOffset began, bool isStored, TimeProvider clock)
    {
        if (!MailSpans.IsOn || began == default)
            return;
        var now = clock.GetUtcNow();
        foreach (var (submission, lines) in batches)
        {
            if (
                submission is { IsWithdrawn: true } or { Trace: null }
                || MailSpans.Begin(MailSpans.Persist, ActivityKind.Internal, submission.Trace, began) is not { } span
            )
                continue;
            span.Set("mailproxy.tenant", submission.Tenant);
            if (lines is [{ Mail: { } only }])
                span.About(only.Key);
            else
                span.Set("messaging.batch.message_count", lines.Count);
            if (!isStored)
                span.Failed("store_unavailable");
            span.End(now);
        }
    }
}
