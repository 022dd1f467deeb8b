using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline;

/// <summary>The channels between the stages, in the order of the flow: how much each holds, and what happens when it is full.</summary>
internal sealed class PipelineChannels(int submissions)
{
    /// <summary>Full: the endpoint waits, then answers 503; the bytes are bounded beside it by the endpoint's own budget.</summary>
    public Channel<Submission> Submissions { get; } = Bounded<Submission>(submissions, manyReaders: true);

    /// <summary>Full: Ingest waits. Persist waits for it, and the store's writer takes from it when a transaction begins.</summary>
    public Channel<AcceptedBatch> Accepted { get; } = Bounded<AcceptedBatch>(256, manyReaders: true);

    /// <summary>Full: Persist lets the ticket go and tells the lane that the disk has more; it never waits.</summary>
    public Channel<QueuedMail> Queued { get; } = Bounded<QueuedMail>(4096);

    /// <summary>Small: Schedule waits for capacity and only then chooses, so that late urgent mail still wins.</summary>
    public Channel<DueMail> Due { get; } = Bounded<DueMail>(16, manyReaders: true);

    /// <summary>Small, and the bodies in it are bounded by a byte budget. Full: Resolve waits.</summary>
    public Channel<ResolvedMail> Resolved { get; } = Bounded<ResolvedMail>(16, manyReaders: true);

    /// <summary>Full: the writer waits. Report always empties it, so nobody waits for himself.</summary>
    public Channel<Outcome> Report { get; } = Bounded<Outcome>(1024);

    /// <summary>Sets the gauge of how much each holds now, by the stage that reads it.</summary>
    public void Measure(PipelineMetrics metrics)
    {
        foreach (
            var (stage, count) in (ReadOnlySpan<(string, int)>)
                [
                    ("ingest", Submissions.Reader.Count),
                    ("persist", Accepted.Reader.Count),
                    ("schedule", Queued.Reader.Count),
                    ("resolve", Due.Reader.Count),
                    ("send", Resolved.Reader.Count),
                    ("report", Report.Reader.Count),
                ]
        )
        {
            metrics.ChannelDepth.WithLabels(stage).Set(count);
        }
    }

    /// <summary>A stage crashed: nobody goes on waiting for it.</summary>
    public void Close(Exception fault)
    {
        Submissions.Writer.TryComplete(fault);
        Accepted.Writer.TryComplete(fault);
        Queued.Writer.TryComplete(fault);
        Due.Writer.TryComplete(fault);
        Resolved.Writer.TryComplete(fault);
        Report.Writer.TryComplete(fault);
    }

    private static Channel<T> Bounded<T>(int capacity, bool manyReaders = false) =>
        Channel.CreateBounded<T>(
            new BoundedChannelOptions(capacity) { SingleReader = !manyReaders, FullMode = BoundedChannelFullMode.Wait }
        );
}
