using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A person is erased over HTTP: from messages, events, reports and the catcher.</summary>
internal sealed class ErasureTests : DaemonFixture
{
    protected override (string Name, string Value)[] Settings => [("Network:Allowed:0", "127.0.0.0/8"), ("Retention:Content", "7d")];

    [Test]
    public async Task Erase_SaysWhatItErased_AndAWebhookThatHearsLaterHearsNoAddress()
    {
        await using var hook = await LoopbackWebhook.StartAsync();
        await _daemon.SendAsync(HttpMethod.Put, "/v1/webhooks/w", new { url = hook.Url });
        await _daemon.SendAsync(HttpMethod.Post, "/v1/webhooks/w/pause");
        var sent = await PostAsync("ann@example.com");
        var refused = await PostAsync("perm@example.com"); // of the sandbox
        await _daemon.UntilAsync(sent, EventType.MessageSent);
        await _daemon.UntilAsync(refused, EventType.MessageFailed);
        var later = await _daemon.PostAsync(
            new
            {
                account = "sandbox",
                from = "a@example.com",
                to = "ann@example.com",
                subject = "s",
                text = "x",
                send_at = DateTimeOffset.UtcNow.AddDays(1),
            }
        );

        var first = await EraseAsync("ann@example.com");
        var second = await EraseAsync("perm@example.com");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                first.ToJsonString(),
                Is.EqualTo("""{"messages":2,"cancelled":1,"bodies":2,"events":2,"links":0,"sandbox":1,"pending":[],"pending_count":0}""")
            );
            Assert.That(((int)second["messages"]!, (int)second["events"]!), Is.EqualTo((1, 1)));
            Assert.That((string)(await _daemon.GetAsync($"/v1/messages/{later}"))["status"]!, Is.EqualTo("cancelled"));
            Assert.That((await _daemon.GetAsync("/v1/messages?to=ann@example.com"))["data"]!.AsArray(), Is.Empty);
            Assert.That((await _daemon.GetAsync($"/v1/messages/{sent}"))["subject"], Is.Null);
            Assert.That(await _daemon.SendAsync(HttpMethod.Get, $"/v1/messages/{sent}/raw"), Is.EqualTo(HttpStatusCode.Gone));
        }

        await _daemon.SendAsync(HttpMethod.Post, "/v1/webhooks/w/resume");
        var told = string.Concat((await hook.NextAsync(6)).Select(hit => hit.Text));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(told, Does.Contain("message.sent").And.Contain("message.failed").And.Contain("message.cancelled"));
            Assert.That(told, Does.Not.Contain("ann@").And.Not.Contain("perm@"));
            Assert.That(await _daemon.Http.GetStringAsync("/v1/audit"), Does.Contain("recipient.erase").And.Not.Contain("ann@example.com"));
        }
    }

    [TestCase("")]
    [TestCase("?address=nobody")]
    [TestCase("?address=a%0d%0a@example.com")]
    public async Task Erase_WithoutAGoodAddress_IsRefusedByName(string query)
    {
        using var answer = await _daemon.Http.DeleteAsync("/v1/recipients" + query);
        Assert.That((int)answer.StatusCode, Is.AnyOf(400, 422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("/address"));
    }

    private Task<string> PostAsync(string to) =>
        _daemon.PostAsync(
            new
            {
                account = "sandbox",
                from = "a@example.com",
                to,
                subject = "For you",
                text = "x",
            }
        );

    private async Task<JsonNode> EraseAsync(string address)
    {
        using var answer = await _daemon.Http.DeleteAsync($"/v1/recipients?address={Uri.EscapeDataString(address)}");
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        return (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
    }
}
