using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Verbs;
using MailProxy.Daemon.Client;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>What <c>top</c> reckons of two looks at a daemon.</summary>
[TestFixture]
internal sealed class TopLookTests
{
    [Test]
    public async Task Look_AtADaemon_CountsWhatItSent()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory);
        for (var i = 0; i < 3; i++)
            await daemon.PostAsync(
                new
                {
                    id = $"m-{i}",
                    from = "a@example.com",
                    to = "b@example.com",
                    text = "x",
                }
            );
        await daemon.EventsAsync(static one => one.Type == Pipeline.Mail.EventType.MessageSent, 3);
        using var client = new DaemonClient(
            DaemonAddress.Parse(daemon.Url)!,
            DaemonProcess.Key,
            null,
            TestDaemon.Deadline,
            TimeProvider.System
        );
        var look = await TopLook.ReadAsync(client, TimeProvider.System, default);
        Assert.That((look.Total("accepted"), look.Total("sent"), look.Total("failed")), Is.EqualTo((3d, 3d, 0d)));
        Assert.That(look.Status["ready"]!.GetValue<bool>());
        await daemon.StopAsync();
    }

    [TestCase(10, 30, 10)]
    [TestCase(50, 8, 4, TestName = "Rate_AfterARestart_IsOfWhatWentSince")]
    public void Rate_OfTwoLooks_IsWhatWentBetweenThem(double before, double after, double rate)
    {
        var clock = new FakeTimeProvider();
        var one = new TopLook(
            new JsonObject(),
            new JsonObject(),
            new Dictionary<string, double> { ["sent"] = before },
            clock.GetTimestamp(),
            clock
        );
        clock.Advance(TimeSpan.FromSeconds(2));
        var two = new TopLook(
            new JsonObject(),
            new JsonObject(),
            new Dictionary<string, double> { ["sent"] = after },
            clock.GetTimestamp(),
            clock
        );
        Assert.That(two.Rate(one, "sent"), Is.EqualTo(rate).Within(1e-9));
    }
}
