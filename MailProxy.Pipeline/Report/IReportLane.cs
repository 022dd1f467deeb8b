using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Report;

/// <summary>The loop of one endpoint. What it waits for delays no other endpoint.</summary>
internal interface IReportLane
{
    /// <summary>The endpoint as it was when the lane started.</summary>
    WebhookEndpoint Endpoint { get; }

    /// <summary>Runs until it is stopped or the endpoint is disabled; faults only because of a bug.</summary>
    Task RunAsync(CancellationToken stop);

    /// <summary>Updates the metrics that show how far behind the endpoint is.</summary>
    void Measure();

    /// <summary>It is to be called now: ends its back-off and its quiet time.</summary>
    /// <param name="byTenant">Its own tenant asks, and not the operator for everybody.</param>
    void RunNow(bool byTenant);
}
