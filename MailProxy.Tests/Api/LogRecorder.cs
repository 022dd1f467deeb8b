using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Resolve;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Logging;

namespace MailProxy.Tests.Api;

/// <summary>Keeps what was logged.</summary>
internal sealed class LogRecorder : ILoggerProvider, ILogger
{
    private readonly Lock _lock = new();
    private readonly List<(LogLevel Level, string Text)> _lines = [];

    public IReadOnlyList<(LogLevel Level, string Text)> Lines
    {
        get
        {
            lock (_lock)
                return [.. _lines];
        }
    }

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
    }

    public void Dispose() { }
}
