using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Dashboard;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>How a webhook answered of late, over HTTP and on the page.</summary>
[TestFixture]
internal sealed class WebhookAnswersTests : DaemonFixture
{
    private LoopbackWebhook _hook = null!;

    protected override (string Name, string Value)[] Settings => [("Network:Allowed:0", "127.0.0.0/8")];

    [SetUp]
    public async Task OpenHook() => _hook = await LoopbackWebhook.StartAsync();

    [TearDown]
    public async Task CloseHook() => await _hook.DisposeAsync();

    [TestCase("events")]
    [TestCase("sync")]
    [TestCase("genro")]
    public async Task Answers_OfAnyStyle_HaveStatusTimeAndExcerpt(string style)
    {
        _hook.Answer = static (_, context) =>
        {
            context.Response.StatusCode = 503;
            return context.Response.WriteAsync("out for lunch");
        };
        await PutAsync(style);
        await SendAsync("one");
        var failed = await UntilAsync(1);

        Assert.That((int)failed[0]!["status"]!, Is.EqualTo(503));
        Assert.That((string?)failed[0]!["excerpt"], Is.EqualTo("out for lunch"));
        Assert.That((string?)failed[0]!["error"], Is.EqualTo("Answered with HTTP status 503."));
        Assert.That((double)failed[0]!["milliseconds"]!, Is.GreaterThanOrEqualTo(0));
        Assert.That((string?)failed[0]!["request_id"], Is.EqualTo(_hook.Hits[0].Id));
    }

    [Test]
    public async Task Answers_OfATestAndOfNobody_AreThere_AndGoWithTheWebhook()
    {
        await PutAsync("events");
        await _daemon.SendAsync(HttpMethod.Post, "/v1/webhooks/crm/test");
        var answers = await UntilAsync(1);
        Assert.That((int)answers[0]!["status"]!, Is.EqualTo(200));
        Assert.That((string)answers[0]!["request_id"]!, Does.StartWith("test_"));
        Assert.That(answers[0]!.AsObject().ContainsKey("error"), Is.False);

        var moved = new { url = "http://127.0.0.1:1/hook", secret = (string?)null };
        Assert.That(await _daemon.SendAsync(HttpMethod.Put, "/v1/webhooks/crm", moved), Is.EqualTo(HttpStatusCode.OK));
        await _daemon.SendAsync(HttpMethod.Post, "/v1/webhooks/crm/test");
        answers = await UntilAsync(2);
        Assert.That(answers[0]!.AsObject().ContainsKey("status"), Is.False);
        Assert.That((string?)answers[0]!["error"], Does.Contain("Connection refused"));

        await _daemon.SendAsync(HttpMethod.Delete, "/v1/webhooks/crm");
        Assert.That(await _daemon.SendAsync(HttpMethod.Get, "/v1/webhooks/crm/answers"), Is.EqualTo(HttpStatusCode.NotFound));
        await PutAsync("events");
        await UntilAsync(0);
    }

    [Test]
    public async Task Page_OfAWebhook_ShowsItsLastAnswers()
    {
        _hook.Answer = static (_, context) =>
        {
            context.Response.StatusCode = 500;
            return context.Response.WriteAsync("<b>out for lunch</b>");
        };
        await PutAsync("events");
        await SendAsync("one");
        await UntilAsync(1);
        using var person = new Person(_daemon.Url);
        await person.SignInAsync(TestDaemon.Key);

        var view = await person.Http.GetStringAsync("/ui/webhooks/crm");

        Assert.That(view, Does.Contain("Last answers").And.Contain("&lt;b&gt;out for lunch&lt;/b&gt;").And.Contain(">500<"));
    }

    private async Task PutAsync(string style) =>
        Assert.That((int)await _daemon.SendAsync(HttpMethod.Put, "/v1/webhooks/crm", new { url = _hook.Url, style }), Is.EqualTo(201));

    private async Task SendAsync(string id)
    {
        using var answer = await _daemon.Http.PostAsJsonAsync(
            "/v1/messages",
            new
            {
                id,
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        answer.EnsureSuccessStatusCode();
    }

    private async Task<JsonArray> UntilAsync(int count)
    {
        var answers = new JsonArray();
        await Eventually.BecomesAsync(
            async () => (answers = (await _daemon.GetAsync("/v1/webhooks/crm/answers"))["data"]!.AsArray()).ToJsonString(),
            _ => count == 0 ? answers.Count == 0 : answers.Count >= count
        );
        return answers;
    }
}
