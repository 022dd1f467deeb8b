using System.Collections.Concurrent;
using System.Text;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Parsing;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Writes the log on a thread of its own, so that a slow reader of the log delays nobody. When the queue is full, events are dropped and
/// counted; a line tells how many as soon as something is read again.
/// </summary>
/// <remarks>
/// Serilog's asynchronous wrapper is not used: on disposal it waits until its queue is empty, which never happens when the reader has
/// stopped.
/// </remarks>
internal sealed class BackgroundSink : ILogEventSink, IDisposable
{
    /// <summary>Log events that may wait for the reader: some seconds of a very busy log, and a few megabytes.</summary>
    public const int DefaultCapacity = 10_000;

    private const int BatchCharacters = 32 << 10;

    private static readonly MessageTemplate DroppedLines = new MessageTemplateParser().Parse(
        "{Count} lines of the log were dropped, because its reader is too slow"
    );

    private readonly BlockingCollection<LogEvent> _queue;
    private readonly Stream _target;
    private readonly ITextFormatter _formatter;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _timeout;
    private readonly Thread _writer;
    private long _unreported,
        _dropped;

    /// <param name="timeout">How long <see cref="Dispose"/> waits for what is queued.</param>
    public BackgroundSink(Stream target, ITextFormatter formatter, TimeProvider clock, TimeSpan timeout, int capacity = DefaultCapacity)
    {
        (_target, _formatter, _clock, _timeout) = (target, formatter, clock, timeout);
        _queue = new(capacity);
        _writer = new(Run) { IsBackground = true, Name = "log writer" };
        _writer.Start();
    }

    /// <summary>Number of events that were dropped.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public void Emit(LogEvent logEvent)
    {
        if (!_queue.IsAddingCompleted && TryAdd(logEvent))
            return;
        Count(1);
    }

    public void Dispose()
    {
        _queue.CompleteAdding();
        _writer.Join(_timeout); // a reader that has stopped must not keep the process alive
    }

    private bool TryAdd(LogEvent logEvent)
    {
        try
        {
            return _queue.TryAdd(logEvent);
        }
        catch (InvalidOperationException)
        {
            return false; // the queue was completed between the check and the call
        }
    }

    private void Run()
    {
        using var page = new StringWriter(new StringBuilder(BatchCharacters));
        var lines = 0;
        foreach (var logEvent in _queue.GetConsumingEnumerable())
        {
            _formatter.Format(logEvent, page);
            lines++;
            if (_queue.Count > 0 && page.GetStringBuilder().Length < BatchCharacters)
                continue;
            Write(page.GetStringBuilder(), lines);
            lines = 0;
            if (Interlocked.Exchange(ref _unreported, 0) is > 0 and var count)
                ReportDropped(page, count);
        }

        if (Interlocked.Exchange(ref _unreported, 0) is > 0 and var last)
            ReportDropped(page, last);
    }

    private void ReportDropped(StringWriter page, long count)
    {
        var properties = new[]
        {
            new LogEventProperty("Count", new ScalarValue(count)),
            new LogEventProperty(Constants.SourceContextPropertyName, new ScalarValue(typeof(BackgroundSink).FullName)),
        };
        _formatter.Format(new LogEvent(_clock.GetUtcNow(), LogEventLevel.Warning, null, DroppedLines, properties), page);
        Write(page.GetStringBuilder(), 0);
    }

    private void Write(StringBuilder page, int lines)
    {
        try
        {
            _target.Write(Encoding.UTF8.GetBytes(page.ToString()));
            _target.Flush();
        }
        catch (Exception error)
            when (error is IOException or UnauthorizedAccessException or ObjectDisposedException or NotSupportedException)
        {
            Count(lines); // a full disk or a closed pipe; mail is sent nevertheless
        }

        page.Clear();
    }

    private void Count(long lines)
    {
        Interlocked.Add(ref _unreported, lines);
        Interlocked.Add(ref _dropped, lines);
    }
}
