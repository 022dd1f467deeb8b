using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A provider that asks for less, seen from outside.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class AdaptiveRateTests
{
    [Test]
    public async Task Throttled_TheAccountShowsItAndForgetsItWhenTold()
    {
        await using var server = new ScriptedSmtpServer(static heard =>
            heard.Verb == "MAIL" ? new Said("450 4.7.1 Error: too much mail from 192.0.2.1\r\n") : null
        );
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory.Path);
        await daemon.PutAccountAsync("relay", server.Port, new { per_minute = 1000 });
        await daemon.PostAsync(
            new
            {
                account = "relay",
                from = "a@example.com",
                to = "b@example.org",
                text = "x",
            }
        );
        var throttled = (await daemon.EventsAsync(static e => e.Type == EventType.AccountThrottled, 1)).Single();
        var detail = JsonNode.Parse("{" + System.Text.Encoding.UTF8.GetString(throttled.Detail.Span) + "}")!;
        Assert.That(((string)detail["cause"]!, (double)detail["rate_factor"]!), Is.EqualTo(("throttled", 0.7)));

        var rate = await Eventually.BecomesAsync(
            async () => (await daemon.GetAsync("/v1/accounts/relay"))["adaptive"],
            static rate => rate is not null
        );
        Assert.That((double)rate!["per_minute"]!, Is.EqualTo(42), "one in a second, and seven tenths of that");
        Assert.That((double)rate["ceiling"]!, Is.EqualTo(1000));
        Assert.That((string)rate["because"]!, Is.EqualTo("any/rate: 4.7.1 Error: too much mail from 192.0.2.1"));
        Assert.That(
            await daemon.Http.GetStringAsync("/metrics"),
            Does.Contain("mailproxy_account_adapted_rate{tenant=\"default\",account=\"relay\"} 42")
        );

        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/relay/adaptive/reset"), Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await daemon.GetAsync("/v1/accounts/relay"))["adaptive"], Is.Null);
        Assert.That(await daemon.Http.GetStringAsync("/metrics"), Does.Not.Contain("adapted_rate{tenant"));
        await daemon.StopAsync();
    }
}
