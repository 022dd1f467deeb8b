using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Telemetry;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Report;

internal sealed class WebhookMeterTests
{
    private static readonly WebhookEndpoint Endpoint = new("default", "w", "http://x", "", [], false, 1, false, new(0));

    [Test]
    public void Show_AfterItsLaneHasEnded_MakesNoSeriesAgain()
    {
        var metrics = new PipelineMetrics(Metrics.NewCustomRegistry());
        var meter = new WebhookMeter(Endpoint, new MemoryDeliveryLog(), metrics, TimeProvider.System);
        meter.Keep(0, 3, 0);
        Assert.That(metrics.ReportBacklog.WithLabels(Endpoint.Tenant, Endpoint.Id).Value, Is.EqualTo(3));

        meter.Remove();
        meter.Show();

        Assert.That(metrics.ReportLag.GetAllLabelValues(), Is.Empty);
        Assert.That(metrics.ReportBacklog.GetAllLabelValues(), Is.Empty);
    }
}
