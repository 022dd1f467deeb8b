using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

[TestFixture]
internal sealed class MetricsTests
{
    [Test]
    public async Task Scrape_Always_HasTheGaugesThatAreReadOnlyThen()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory);
        var page = await daemon.Http.GetStringAsync("/metrics");
        foreach (var channel in new[] { "ingest", "persist", "schedule", "resolve", "send", "report" })
            Assert.That(page, Does.Contain($"mailproxy_channel_depth{{door=\"{channel}\"}} 0"));
        await daemon.StopAsync();
    }
}
