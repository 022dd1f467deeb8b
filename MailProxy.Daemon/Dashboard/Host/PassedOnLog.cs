using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>Writes what the page's application logs to the daemon's log.</summary>
internal sealed class PassedOnLog(ILoggerFactory daemon) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => daemon.CreateLogger(categoryName);

    public void Dispose() { }
}

/// <summary>Of the framework only what went wrong: that cookies are sealed by keys in a file is told in the documents.</summary>
internal sealed class StaticLogFilter : IOptionsMonitor<LoggerFilterOptions>
{
    public LoggerFilterOptions CurrentValue { get; } =
        new() { MinLevel = LogLevel.Information, Rules = { new(null, "Microsoft", LogLevel.Error, null) } };

    public LoggerFilterOptions Get(string? name) => CurrentValue;

    public IDisposable? OnChange(Action<LoggerFilterOptions, string?> listener) => null;
}
