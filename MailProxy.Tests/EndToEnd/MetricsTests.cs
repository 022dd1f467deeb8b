using System.Diagnostics;
using System.Globalization;
using System.Net;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>The metrics page of a daemon that has seen something, read as Prometheus reads it.</summary>
[TestFixture]
internal sealed class MetricsTests : DaemonFixture
{
    protected override (string Name, string Value)[] Settings => [("Drain:GraceSeconds", "1"), ("Drain:ReplySeconds", "0")];

    [SetUp]
    public Task StartAsync() => BusyAsync();

    [Test]
    public async Task Metrics_OfABusyDaemon_PromtoolFindsNoFault()
    {
        var page = await _daemon.Http.GetStringAsync("/metrics");
        using var promtool = Process.Start(Run.Info("promtool", "check", "metrics"))!;
        var output = promtool.StandardOutput.ReadToEndAsync();
        var error = promtool.StandardError.ReadToEndAsync();
        await promtool.StandardInput.WriteAsync(page);
        promtool.StandardInput.Close();
        await promtool.WaitForExitAsync().WaitAsync(TestDaemon.Deadline);

        Assert.That(await output + await error, Is.Empty);
        Assert.That(promtool.ExitCode, Is.Zero);
    }

    [Test]
    public async Task Metrics_OfABusyDaemon_AreOursAndCountWhatHappened()
    {
        var lines = (await _daemon.Http.GetStringAsync("/metrics")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines.Where(l => !l.StartsWith('#')), Is.All.Matches("^(mailproxy|process|dotnet)_"));
        Assert.That(lines, Has.Some.StartsWith("process_working_set_bytes ").And.Some.StartsWith("mailproxy_build_info{version="));

        // Counted after the commit that the event came with, so the page may be a moment behind.
        await Eventually.BecomesAsync(
            async () => Sum(await _daemon.Http.GetStringAsync("/metrics"), "mailproxy_messages_sent_total"),
            sent => sent == 1
        );
        await Eventually.BecomesAsync(
            async () => Sum(await _daemon.Http.GetStringAsync("/metrics"), "mailproxy_messages_failed_total"),
            failed => failed == 1
        );
        Assert.That(Sum(await _daemon.Http.GetStringAsync("/metrics"), "mailproxy_messages_accepted_total"), Is.EqualTo(4));
    }

    [Test]
    public async Task Metrics_HoldNoAddressAndNoId()
    {
        var page = await _daemon.Http.GetStringAsync("/metrics");
        Assert.That(page, Does.Not.Contain("@").And.Not.Contain("busy-1"));
    }

    private static double Sum(string page, string name) =>
        page.Split('\n')
            .Where(l => l.StartsWith(name, StringComparison.Ordinal))
            .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    // Something of everything: sent, failed, deferred, scheduled, refused.
    private async Task BusyAsync()
    {
        string[] to = ["good@example.com", "perm@example.com", "temp@example.com"];
        for (var n = 0; n < to.Length; n++)
            await _daemon.PostAsync(
                new
                {
                    id = $"busy-{n}",
                    from = "a@example.com",
                    to = to[n],
                    text = "x",
                }
            );
        await _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "later@example.com",
                text = "x",
                send_at = DateTimeOffset.UtcNow.AddHours(1),
            }
        );
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/messages", new { from = "nobody" }), Is.EqualTo((HttpStatusCode)422));
        await _daemon.EventsAsync(e => e.Type is EventType.MessageSent or EventType.MessageFailed or EventType.MessageDeferred, 3);
    }
}
