using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline;

/// <summary>
/// Whether the stages make progress, for whoever restarts a process that does not. Looked at now and then, each time compared with the time
/// before; nothing is counted on the way of the mail.
/// </summary>
/// <remarks>
/// Attachment-resolve and send are left out: their workers may rightly wait for slow servers for minutes, and each of their waits has an end
/// of its own.
/// </remarks>
internal sealed class StageProgress(PipelineChannels channels, Wake wake, PipelineHealth health)
{
    private readonly Head[] _heads =
    [
        new("ingest", () => Peek(channels.Submissions.Reader)),
        new("persist", () => Peek(channels.Accepted.Reader)),
        new("report", () => Peek(channels.Report.Reader)),
    ];
    private Task? _signal;

    /// <summary>The stages that did nothing since the last look though there was something to do; none: all goes on.</summary>
    public IReadOnlyList<string> Stuck()
    {
        List<string> stuck = [];
        foreach (var head in _heads)
        {
            if (head.Stays())
                stuck.Add(head.Stage);
        }

        // Schedule takes the signal that is put here at its next turn.
        var unread = _signal is not null && ReferenceEquals(wake.WaitAsync(), _signal);
        wake.Look();
        _signal = wake.WaitAsync();
        if (unread)
            stuck.Add("schedule");

        // A store that cannot write stops them all, and a restart would not help it.
        return health.StoreTrouble is null && health.Running ? stuck : [];
    }

    private static object? Peek<T>(ChannelReader<T> reader)
        where T : class => reader.TryPeek(out var item) ? item : null;

    private sealed class Head(string stage, Func<object?> peek)
    {
        private object? _before;

        public string Stage => stage;

        // The same object at the head as last time: nobody has taken anything since.
        public bool Stays()
        {
            var now = peek();
            var stays = now is not null && ReferenceEquals(now, _before);
            _before = now;
            return stays;
        }
    }
}
