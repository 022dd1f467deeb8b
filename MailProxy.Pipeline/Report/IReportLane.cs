using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>One endpoint's own loop. What it waits for delays nobody else.</summary>
internal interface IReportLane
{
    /// <summary>What it was started with.</summary>
    WebhookEndpoint Endpoint { get; }

    /// <summary>Runs until it is told to stop or the endpoint is disabled; faults only on a mistake of ours.</summary>
    Task RunAsync(CancellationToken stop);

    /// <summary>Shows how far behind the endpoint is now.</summary>
    void Measure();

    /// <summary>A person wants it told at once: ends its back-off and its quiet.</summary>
    void RunNow();
}
