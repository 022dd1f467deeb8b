using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>One action on all messages that a search finds: shown, begun, followed, undone.</summary>
[TestFixture]
internal sealed class OperationTests : OperationFixture
{
    private const int Many = 450; // more than two steps

    private const string Later = "2099-01-01T00:00:00Z";

    [Test]
    public async Task Hold_AllThatMatched_AndBack()
    {
        await PostAsync("news", Many);
        await PostAsync("other", 3);
        var shown = await PreviewAsync(
            new
            {
                action = "hold",
                q = "batch:news",
                preview = true,
            }
        );
        await PostAsync("news", 5, from: Many); // after the preview: not meant

        Assert.Multiple(() =>
        {
            Assert.That(((int)shown["count"]!, (int)shown["would_change"]!), Is.EqualTo((Many, Many)));
            Assert.That(((bool)shown["exact"]!, (bool)shown["undoable"]!), Is.EqualTo((true, true)));
            Assert.That(shown["by_status"]!.ToJsonString(), Is.EqualTo($$"""{"queued":{{Many}}}"""));
            Assert.That(shown["sample"]!.AsArray(), Has.Count.EqualTo(10));
        });
        var done = await EndAsync(await BeginAsync(shown));
        Assert.That(((int)done["changed"]!, (int)done["refused"]!, (string)done["status"]!), Is.EqualTo((Many, 0, "done")));
        Assert.That(await CountAsync("status:held"), Is.EqualTo(Many));
        Assert.That(await CountAsync("status:queued"), Is.EqualTo(8));

        var back = await EndAsync(await UndoAsync((string)done["id"]!));
        Assert.That(((int)back["changed"]!, (string)back["action"]!, (bool)back["undoes"]!), Is.EqualTo((Many, "release", true)));
        Assert.That(await CountAsync("status:held"), Is.Zero);
        Assert.That((string)(await _daemon.GetAsync($"/v1/operations/{done["id"]}"))["undone_by"]!, Is.EqualTo((string)back["id"]!));
        await RefusedAsync($"/v1/operations/{done["id"]}/undo", null, 409, "already_undone");
        await RefusedAsync($"/v1/operations/{back["id"]}/undo", null, 409, "not_undoable");
        await RefusedAsync($"/v1/operations/{back["id"]}/stop", null, 409, "already_ended");
    }

    [Test]
    public async Task Begin_TheSameTokenTwice_IsOneOperation()
    {
        await PostAsync("news", 3);
        var shown = await PreviewAsync(
            new
            {
                action = "cancel",
                q = "batch:news",
                preview = true,
            }
        );
        var first = await EndAsync(await BeginAsync(shown));
        var second = await BeginAsync(shown);

        Assert.That((string)second["id"]!, Is.EqualTo((string)first["id"]!));
        Assert.That((await _daemon.GetAsync("/v1/operations"))["data"]!.AsArray(), Has.Count.EqualTo(1));
        await RefusedAsync($"/v1/operations/{first["id"]}/undo", null, 409, "not_undoable");
    }

    [Test]
    public async Task Reroute_AndBack_EachByTheWayItWent()
    {
        foreach (var id in new[] { "one", "two", "three" })
            await _daemon.SendAsync(HttpMethod.Put, $"/v1/accounts/{id}", new { sandbox = true });
        await PostAsync("news", 5, "one");
        await PostAsync("mail", 5, "two");
        await PostAsync("last", 2, "three");

        var shown = await PreviewAsync(
            new
            {
                action = "reroute",
                q = "status:queued",
                account = "three",
                preview = true,
            }
        );
        var done = await EndAsync(await BeginAsync(shown));
        Assert.That(((int)done["changed"]!, (int)done["refused"]!), Is.EqualTo((10, 2)), "two go there already");
        Assert.That(await CountAsync("account:three"), Is.EqualTo(12));

        await EndAsync(await UndoAsync((string)done["id"]!));
        Assert.That(await CountAsync("account:one batch:news"), Is.EqualTo(5));
        Assert.That(await CountAsync("account:two batch:mail"), Is.EqualTo(5));
        Assert.That(await CountAsync("account:three"), Is.EqualTo(2));
    }

    [Test]
    public async Task Reschedule_AndBack_EachToItsTime()
    {
        await PostAsync("news", 3);
        await PostAsync("late", 2, sendAt: "2098-06-01T00:00:00Z");
        var shown = await PreviewAsync(
            new
            {
                action = "reschedule",
                q = "-status:sent",
                send_at = Now(TimeSpan.FromDays(3)),
                preview = true,
            }
        );
        var done = await EndAsync(await BeginAsync(shown));
        Assert.That(await CountAsync("status:scheduled"), Is.EqualTo(5));

        await EndAsync(await UndoAsync((string)done["id"]!));
        Assert.That(await CountAsync("status:queued batch:news"), Is.EqualTo(3));
        var late = (await _daemon.GetAsync("/v1/messages/late-0"))["send_at"];
        Assert.That((string)late!, Is.EqualTo("2098-06-01T00:00:00Z"));
    }

    [Test]
    public async Task Retry_OnlyWhatMayBeRetried()
    {
        await PostAsync("news", 2);
        await PostAsync("late", 3, sendAt: Later);
        var shown = await PreviewAsync(
            new
            {
                action = "retry",
                q = "status:queued,scheduled",
                preview = true,
            }
        );
        Assert.That(((int)shown["count"]!, (int)shown["would_change"]!, (bool)shown["undoable"]!), Is.EqualTo((5, 3, false)));
        var done = await EndAsync(await BeginAsync(shown));
        Assert.That(((int)done["changed"]!, (int)done["refused"]!), Is.EqualTo((3, 2)));
        Assert.That(await CountAsync("status:queued"), Is.EqualTo(5));
    }

    [Test]
    public async Task Restart_InTheMiddle_GoesOn()
    {
        await PostAsync("news", 2_000);
        var begun = await BeginAsync(
            await PreviewAsync(
                new
                {
                    action = "hold",
                    q = "batch:news",
                    preview = true,
                }
            )
        );
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(_directory);

        var done = await EndAsync(begun);
        Assert.That(((int)done["changed"]!, (int)done["refused"]!), Is.EqualTo((2_000, 0)));
        Assert.That(await CountAsync("status:held"), Is.EqualTo(2_000));
    }

    [Test]
    public async Task Target_DeletedBeforeItBegins_FailsAndSaysWhy()
    {
        foreach (var id in new[] { "here", "there" })
            await _daemon.SendAsync(HttpMethod.Put, $"/v1/accounts/{id}", new { sandbox = true });
        await PostAsync("news", 1, "here");
        var shown = await PreviewAsync(
            new
            {
                action = "reroute",
                q = "batch:news",
                account = "there",
                preview = true,
            }
        );
        Assert.That(await _daemon.SendAsync(HttpMethod.Delete, "/v1/accounts/there"), Is.EqualTo(HttpStatusCode.NoContent));

        var done = await EndAsync(await BeginAsync(shown));
        Assert.That(((string)done["status"]!, (string)done["trouble"]!), Is.EqualTo(("failed", "there was deleted meanwhile.")));
    }

    [TestCase("""{"action":"drop","q":"x","preview":true}""", "/action", "invalid_choice")]
    [TestCase("""{"q":"x","preview":true}""", "/action", "required")]
    [TestCase("""{"action":"hold","preview":true}""", "/q", "required")]
    [TestCase("""{"action":"hold","q":"  ","preview":true}""", "/q", "required")]
    [TestCase("""{"action":"hold","q":"statsu:x","preview":true}""", "/q", "invalid_search")]
    [TestCase("""{"action":"hold","q":"x"}""", "/preview", "preview_required")]
    [TestCase("""{"action":"hold","q":"x","preview":false}""", "/preview", "preview_required")]
    [TestCase("""{"action":"hold","q":"x","preview":true,"account":"a"}""", "/account", "unknown_field")]
    [TestCase("""{"action":"reroute","q":"x","preview":true}""", "/account", "required")]
    [TestCase("""{"action":"reroute","q":"x","preview":true,"account":"a"}""", "/account", "unknown_account")]
    [TestCase("""{"action":"reroute","q":"x","preview":true,"pool":"a"}""", "/pool", "unknown_pool")]
    [TestCase("""{"action":"reschedule","q":"x","preview":true}""", "/send_at", "required")]
    [TestCase("""{"token":""}""", "/token", "invalid_token")]
    [TestCase("""{"token":"AAAA"}""", "/token", "invalid_token")]
    [TestCase("""{"token":"***"}""", "/token", "invalid_token")]
    [TestCase("""{"token":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""", "/token", "invalid_token")]
    public async Task Act_Mistake_NamesTheMember(string json, string pointer, string code)
    {
        using var body = new StringContent(json, null, "application/json");
        using var answer = await _daemon.Http.PostAsync("/v1/messages/actions", body);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        var first = problem["errors"]!.AsArray()[0]!;
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That(((string)first["pointer"]!, (string)first["code"]!), Is.EqualTo((pointer, code)), problem.ToJsonString());
    }

    [Test]
    public async Task Token_OfTheLongestSearch_IsTaken()
    {
        var q = $"subject:{new string('ü', 480)} subject:{new string('ü', 480)}";
        var shown = await PreviewAsync(
            new
            {
                action = "hold",
                q,
                preview = true,
            }
        );
        Assert.That((string)(await EndAsync(await BeginAsync(shown)))["status"]!, Is.EqualTo("done"));
    }

    [Test]
    public async Task Token_OfAnotherTenant_IsNone()
    {
        await PostAsync("news", 1);
        var shown = await PreviewAsync(
            new
            {
                action = "cancel",
                q = "batch:news",
                preview = true,
            }
        );
        using var acme = _daemon.As(await _daemon.MakeTenantAsync("acme"));
        using var answer = await acme.PostAsJsonAsync("/v1/messages/actions", new { token = (string)shown["token"]! });
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("invalid_token"));
        Assert.That(await CountAsync("status:queued"), Is.EqualTo(1));
    }
}
