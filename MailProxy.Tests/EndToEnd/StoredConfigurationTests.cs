using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// Configuration that no request can be made of: refused when it is set; and where an earlier version has stored it, the daemon starts,
/// sends and reports all the same.
/// </summary>
[Parallelizable(ParallelScope.Self)]
public sealed class StoredConfigurationTests
{
    private static readonly string ManyUmlauts = "http://" + string.Join('.', Enumerable.Repeat(new string('ü', 20), 12)) + "/";

    [TestCase("Expires")]
    [TestCase("Allow")]
    [TestCase("Last-Modified")]
    [TestCase("Content-Disposition")]
    public async Task PutWebhook_HeaderThatNoRequestCarries_422(string header)
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory);
        using var answer = await daemon.Http.PutAsJsonAsync(
            "/v1/webhooks/w",
            new { url = "http://127.0.0.1:1/", auth = new { header, value = "x" } }
        );
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That(
            (answer.StatusCode, (string?)problem["errors"]![0]!["pointer"]),
            Is.EqualTo((HttpStatusCode.UnprocessableEntity, "/auth/header"))
        );
    }

    [Test]
    public async Task Batch_SourceWithoutAHost_IsRefusedAlone()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory);
        string[] sources = ["http://\u202e.example/f", "http://xn--\u0378/f", ManyUmlauts, "http://a.example:0/f", "http://[::1%25eth0]/f"];
        object Message(string? source) =>
            new
            {
                account = "sandbox",
                from = "a@example.com",
                to = "b@example.org",
                text = "x",
                attachments = source is null ? [] : new[] { new { filename = "f", source } },
            };
        using var answer = await daemon.Http.PostAsJsonAsync(
            "/v1/messages/batch",
            new { messages = sources.Select(Message).Append(Message(null)) }
        );
        var results = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["results"]!.AsArray();

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(results.Take(sources.Length).Select(result => (int)result!["error"]!["status"]!), Is.All.EqualTo(422));
        Assert.That((string?)results[^1]!["status"], Is.EqualTo("queued"));
    }

    [Test]
    public async Task Stored_ByAnEarlierVersion_EachFailsAlone_ThroughARestart()
    {
        using var directory = new TempDirectory();
        await using var hook = await LoopbackWebhook.StartAsync();
        (string, string)[] settings = [("Network:Allowed:0", "127.0.0.1")];
        string good;
        await using (var daemon = await TestDaemon.StartAsync(directory, settings))
        {
            await StoreAsync(daemon, hook.Url);
            good = await daemon.PostAsync(Mail(null));
            await daemon.UntilAsync(good, EventType.MessageSent);
            await daemon.StopAsync();
        }

        await using var again = await TestDaemon.StartAsync(directory, settings);
        var after = await again.PostAsync(Mail("away:f"));
        await again.UntilAsync(after, EventType.MessageDeferred);
        var last = await again.PostAsync(Mail(null));
        await again.UntilAsync(last, EventType.MessageSent);
        await Eventually.BecomesAsync(
            () => Task.FromResult(hook.Hits.Count(hit => hit.Text.Contains("message.sent", StringComparison.Ordinal))),
            count => count == 2
        );

        foreach (var bad in new[] { "expires", "host" })
        {
            var shown = await Eventually.BecomesAsync(
                () => again.GetAsync($"/v1/webhooks/{bad}"),
                webhook => (string?)webhook["last_error"] is not null
            );
            Assert.That((string?)shown["status"], Is.EqualTo("enabled"));
        }

        Assert.That(again.Services.GetRequiredService<MailPipeline>().Completion.IsCompleted, Is.False);
        Assert.That(await again.SendAsync(HttpMethod.Get, "/health/ready"), Is.EqualTo(HttpStatusCode.OK));
    }

    private static object Mail(string? source) =>
        new
        {
            account = "sandbox",
            from = "a@example.com",
            to = "b@example.org",
            text = "x",
            attachments = source is null ? [] : new[] { new { filename = "f", source } },
        };

    private static async Task StoreAsync(TestDaemon daemon, string url)
    {
        var store = daemon.Services.GetRequiredService<Stores>().Configuration;
        WebhookEndpoint endpoint = new("default", "good", url, WebhookSignature.NewSecret(), [], false, 1, false, new(0));
        await store.PutEndpointAsync(endpoint, "test");
        await store.PutEndpointAsync(endpoint with { Id = "expires", Auth = new SourceAuth.Header("Expires", "x") }, "test");
        await store.PutEndpointAsync(endpoint with { Id = "host", Url = ManyUmlauts }, "test");
        await daemon
            .Services.GetRequiredService<ConfigurationWriter<Volume>>()
            .PutAsync(
                "default",
                "away",
                static _ => true,
                static _ =>
                    new(
                        new Volume
                        {
                            Tenant = "default",
                            Id = "away",
                            AdminSet = true,
                            Config = new VolumeConfig.S3("bucket", null, "eu-x", new(ManyUmlauts), true, "a", "b", true),
                        }
                    ),
                "test"
            );
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/run-now"), Is.Not.EqualTo(HttpStatusCode.InternalServerError));
    }
}
