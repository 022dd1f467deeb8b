using System.Globalization;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// How the collector takes spans: counts what became of them, and logs once when it begins to refuse them, and once when it is over.
/// </summary>
internal sealed partial class CollectorWatch(string endpoint, PipelineMetrics metrics, ILogger<CollectorWatch> logger)
{
    private int _waiting,
        _fails;
    private volatile string _trouble = "no answer";

    public void Opened() => Log.Opened(logger, endpoint);

    /// <summary>A span wants to wait. False: so many wait already, and it is dropped.</summary>
    public bool TryEnter(int most)
    {
        if (Interlocked.Increment(ref _waiting) <= most)
            return true;
        Interlocked.Decrement(ref _waiting);
        metrics.Spans.WithLabels("dropped").Inc();
        return false;
    }

    /// <summary>Spans wait no longer.</summary>
    public void Left(long spans, bool isTaken)
    {
        Interlocked.Add(ref _waiting, -(int)spans);
        metrics.Spans.WithLabels(isTaken ? "exported" : "failed").Inc(spans);
        if (Interlocked.Exchange(ref _fails, isTaken ? 0 : 1) == (isTaken ? 0 : 1))
            return;
        if (isTaken)
            Log.Takes(logger, endpoint);
        else
            Log.Fails(logger, endpoint, _trouble);
    }

    public void Answered(int status) => _trouble = string.Create(CultureInfo.InvariantCulture, $"it answered with HTTP status {status}");

    public void Broke(Exception trouble) => _trouble = trouble is OperationCanceledException ? "no answer in time" : trouble.Message;

    private static partial class Log
    {
        [LoggerMessage(30, LogLevel.Information, "Spans are exported to {Endpoint}")]
        public static partial void Opened(ILogger logger, string endpoint);

        [LoggerMessage(
            31,
            LogLevel.Warning,
            "Spans cannot be exported to {Endpoint}: {Reason}. Mail is not affected; what is not taken is dropped and counted in "
                + "mailproxy_spans_total"
        )]
        public static partial void Fails(ILogger logger, string endpoint, string reason);

        [LoggerMessage(32, LogLevel.Information, "Spans are exported to {Endpoint} again")]
        public static partial void Takes(ILogger logger, string endpoint);
    }
}
