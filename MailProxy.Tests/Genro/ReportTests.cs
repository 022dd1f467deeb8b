using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Reports as an application gets them.</summary>
internal sealed class ReportTests : GenroFixture
{
    private string _key = null!;

    [Test]
    public async Task Entry_OfASentMessage_HasExactlyItsKeys()
    {
        await PostAsync(
            "/tenant",
            new
            {
                id = "acme",
                client_base_url = ApplicationUrl + "/app/",
                client_auth = new
                {
                    method = "basic",
                    user = "u",
                    password = "p",
                },
            }
        );
        await MakeAccountAsync("acme");
        await QueueAsync(Message("m", "acme"));
        var hit = await NextTellingAsync();
        Assert.That((hit.Path, hit.Authorization), Is.EqualTo(("/app/mail-proxy/sync", "Basic " + Convert.ToBase64String("u:p"u8))));
        var body = JsonNode.Parse(hit.Text)!.AsObject();
        Assert.That(body.Select(static one => one.Key), Is.EqualTo(new[] { "delivery_report" }));
        Assert.That(Entries(hit).Single().Select(static one => one.Key), Is.EqualTo(new[] { "id", "sent_ts" }));
    }

    [Test]
    public async Task Entry_OfADeferredMessage_SaysWhenItIsTriedAgain()
    {
        await PrepareAsync();
        _smtp.Say("RCPT", "451 4.3.0 Later");
        await QueueAsync(Message("m", "acme"));
        var entry = Entries(await NextTellingAsync()).Single();
        Assert.That(entry.Select(static one => one.Key), Is.EqualTo(new[] { "id", "deferred_ts", "deferred_reason" }));
        Assert.That((long)entry["deferred_ts"]!, Is.GreaterThan(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 30));
        Assert.That((string?)entry["deferred_reason"], Does.Contain("451 4.3.0 Later"));
    }

    [Test]
    public async Task Entry_OfAPartlyRefusedMessage_IsOneWithAll()
    {
        await PrepareAsync();
        _smtp.Say("RCPT", "250 2.1.5 OK", "550 5.1.1 No such user");
        await QueueAsync(Message("m", "acme", new { to = "a@example.org,b@example.org" }));
        Assert.That(
            Entries(await NextTellingAsync()).Single().Select(static one => one.Key),
            Is.EqualTo(new[] { "id", "sent_ts", "error_ts", "error" })
        );
    }

    [TestCase(200, """{"ok":true,"error":["m"],"not_found":["m"]}""")]
    [TestCase(204, "")]
    [TestCase(302, "")]
    [TestCase(399, "nonsense")]
    [TestCase(200, "<html>")]
    public async Task Answer_Below400_AcknowledgesEverything(int status, string body)
    {
        await PrepareAsync();
        Answer(status, body);
        await QueueAsync(Message("m", "acme"));
        await NextTellingAsync();
        await RunNowAsync();
        await RunNowAsync();
        Assert.That(_application.Hits.SelectMany(Entries).Count(), Is.EqualTo(1), "told once");
    }

    [TestCase(400)]
    [TestCase(410)]
    [TestCase(503)]
    public async Task Answer_From400_AcknowledgesNothingAndDisablesNothing(int status)
    {
        await PrepareAsync();
        Answer(status, """{"ok":true}""");
        await QueueAsync(Message("m", "acme"));
        await NextTellingAsync();
        await RunNowAsync();
        Assert.That(Entries(_application.Hits[^1]).Count(), Is.EqualTo(1), "told again");
        Answer(200, """{"ok":true}""");
        await RunNowAsync();
        await RunNowAsync();
        Assert.That(Entries(_application.Hits[^1]), Is.Empty);
    }

    [Test]
    public async Task Application_ThatIsNotActive_GetsNoEmptyCallsButNews()
    {
        await PostAsync(
            "/tenant",
            new
            {
                id = "acme",
                client_base_url = ApplicationUrl,
                active = false,
            }
        );
        await MakeAccountAsync("acme");
        await QueueAsync(Message("m", "acme"));
        Assert.That(Entries(await _application.NextAsync()).Count(), Is.EqualTo(1), "the first call of all");
    }

    [Test]
    public async Task Queued_Answered_CallsAgainAtOnceUnlessQuietLiesAhead()
    {
        await PrepareAsync();
        var left = 3;
        _application.Answer = (_, http) => http.Response.WriteAsync($$"""{"ok":true,"queued":{{Math.Max(0, --left)}}}""");
        await RunNowAsync();
        await Eventually.BecomesAsync(() => Task.FromResult(left), static rest => rest == 0);

        var until = FormattableString.Invariant($"{DateTimeOffset.UtcNow.AddHours(2).ToUnixTimeSeconds()}.5");
        _application.Answer = (_, http) => http.Response.WriteAsync($$"""{"ok":true,"queued":5,"next_sync_after":{{until}}}""");
        await RunNowAsync();
        var calls = _application.Hits.Count;
        await QueueAsync(Message("m", "acme"));
        await NextTellingAsync();
        Assert.That(_application.Hits, Has.Count.EqualTo(calls + 1), "quiet over queued, which an event breaks");
        await RunNowAsync();
        Assert.That(_application.Hits, Has.Count.EqualTo(calls + 2), "and the tenant's own run-now");

        await PostAsync("/commands/run-now");
        await QueueAsync(Message("n", "acme"));
        await NextTellingAsync();
        Assert.That(_application.Hits, Has.Count.EqualTo(calls + 3), "the operator's makes no empty call");
    }

    [Test]
    public async Task Application_ThatTakesItsTime_DelaysNobodyElse()
    {
        await PrepareAsync();
        await using var other = await LoopbackWebhook.StartAsync();
        await PostAsync("/tenant", new { id = "other", client_base_url = new Uri(other.Url).GetLeftPart(UriPartial.Authority) });
        await MakeAccountAsync("other");
        await other.NextAsync();
        var answer = new TaskCompletionSource();
        _application.Answer = (_, http) => answer.Task.WaitAsync(http.RequestAborted);
        await QueueAsync(Message("slow", "acme"), Message("quick", "other"));
        await NextTellingAsync();
        Assert.That((string)Entries(await other.NextAsync()).Single()["id"]!, Is.EqualTo("quick"));
        answer.SetResult();
        await RunNowAsync();
        Assert.That(_application.Hits.SelectMany(Entries).Count(), Is.EqualTo(1));
    }

    private async Task PrepareAsync()
    {
        _key = await MakeTenantAsync("acme");
        await MakeAccountAsync("acme");
        await _application.NextAsync(); // the first call, when it is known
    }

    private void Answer(int status, string body) =>
        _application.Answer = async (_, http) =>
        {
            http.Response.StatusCode = status;
            if (body.Length > 0)
                await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(body));
        };

    /// <summary>The tenant's own run-now: its application is called, whatever there is to tell.</summary>
    private async Task RunNowAsync()
    {
        var calls = _application.Hits.Count;
        var (_, answer) = await PostAsync("/commands/run-now", null, _key);
        Assert.That(answer!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        await Eventually.BecomesAsync(() => Task.FromResult(_application.Hits.Count), count => count > calls);
    }

    private async Task<WebhookHit> NextTellingAsync()
    {
        while (true)
        {
            if (await _application.NextAsync() is var hit && Entries(hit).Any())
                return hit;
        }
    }
}
