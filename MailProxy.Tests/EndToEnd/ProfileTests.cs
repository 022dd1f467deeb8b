using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What a rule of a profile did, seen from outside.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class ProfileTests
{
    [Test]
    public async Task Greylisted_TheEventAndTheMetricNameTheRule()
    {
        await using var server = new ScriptedSmtpServer(static heard =>
            heard.Verb == "RCPT" ? new Said("450 4.2.0 Greylisted, come back later\r\n") : null
        );
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, server);
        var id = await daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.org",
                text = "x",
            }
        );
        var deferred = (await daemon.EventsAsync(e => e.MessageId == id && e.Type == EventType.MessageDeferred, 1)).Single();
        Assert.That(Detail(deferred)["recipients"]![0]!["rule"]!.GetValue<string>(), Is.EqualTo("any/greylisted"));
        Assert.That(
            await daemon.Http.GetStringAsync("/metrics"),
            Does.Contain("mailproxy_rules_matched_total{profile=\"any\",rule=\"greylisted\"} 1")
        );
        await daemon.StopAsync();
    }

    [Test]
    public async Task LogInWanted_TheAccountsEventHasTheRemedy()
    {
        await using var server = new ScriptedSmtpServer(static heard =>
            heard.Verb == "MAIL" ? new Said("530 5.7.0 Must issue a STARTTLS command first\r\n") : null
        );
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, server);
        await daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.org",
                text = "x",
            }
        );
        var opened = (await daemon.EventsAsync(static e => e.Type == EventType.AccountCircuitOpened, 1)).Single();
        Assert.That(Detail(opened)["rule"]!.GetValue<string>(), Is.EqualTo("any/starttls-required"));
        Assert.That(Detail(opened)["remedy"]!.GetValue<string>(), Does.Contain("starttls (port 587"));
        await daemon.StopAsync();
    }

    private static JsonNode Detail(MailEvent told) => JsonNode.Parse("{" + System.Text.Encoding.UTF8.GetString(told.Detail.Span) + "}")!;

    private static async Task<TestDaemon> StartAsync(TempDirectory directory, ScriptedSmtpServer server)
    {
        var daemon = await TestDaemon.StartAsync(directory.Path);
        await daemon.PutAccountAsync("relay", server.Port);
        return daemon;
    }
}
