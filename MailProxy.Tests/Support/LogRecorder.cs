using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MailProxy.Tests.Support;

/// <summary>Keeps what was logged, and signals that something was.</summary>
internal sealed class LogRecorder : ILoggerProvider, ILogger
{
    private readonly Lock _lock = new();
    private readonly List<(LogLevel Level, string Text)> _lines = [];
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _events = new();

    public IReadOnlyList<(LogLevel Level, string Text)> Lines
    {
        get
        {
            lock (_lock)
                return [.. _lines];
        }
    }

    /// <summary>Completes when an event with this id was logged.</summary>
    public Task Logged(int eventId) => _events.GetOrAdd(eventId, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        lock (_lock)
            _lines.Add((logLevel, $"{formatter(state, exception)} {exception}"));
        _events.GetOrAdd(eventId.Id, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public void Dispose() { }
}
