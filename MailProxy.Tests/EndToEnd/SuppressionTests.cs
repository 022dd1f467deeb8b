using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Mail does not go to whom a tenant's suppression list names; the others of a message still get theirs.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class SuppressionTests
{
    private TempDirectory _directory = null!;
    private TestDaemon _daemon = null!;
    private ScriptedSmtpServer _server = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _directory = new();
        _server = new(static heard =>
            heard.Verb == "RCPT" && heard.Line.Contains("<gone@", StringComparison.Ordinal) ? (Said?)"550 5.1.1 No such user" : null
        );
        _daemon = await TestDaemon.StartAsync(_directory);
        await _daemon.PutAccountAsync("real", _server.Port);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    private Task<string> PostAsync(string id, params string[] to) =>
        _daemon.PostAsync(
            new
            {
                id,
                from = "a@example.com",
                to,
                text = "x",
            }
        );

    private async Task PutAsync(object entry) =>
        Assert.That(await _daemon.SendAsync(HttpMethod.Put, "/v1/suppressions", entry), Is.EqualTo(HttpStatusCode.Created));

    private async Task<string[]> RecipientsAsync(string id)
    {
        var message = await _daemon.GetAsync($"/v1/messages/{id}");
        return [.. message["recipients"]!.AsArray().Select(to => $"{to!["email"]} {to["status"]}").Prepend((string)message["status"]!)];
    }

    private string[] Got => [.. _server.Taken.SelectMany(static mail => mail.Accepted).Order()];

    [Test]
    public async Task Submission_EveryMix_EndsAsTheListSays()
    {
        await PutAsync(new { address = "No@Example.org", reason = "asked" });
        await PutAsync(new { domain = "closed.example", reason = "closed" });
        await PutAsync(
            new
            {
                address = "later@example.org",
                reason = "r",
                expires_at = "2099-01-01T00:00:00.000Z",
            }
        );

        await PostAsync("all", "no@example.org", "x@CLOSED.example");
        Assert.That(await RecipientsAsync("all"), Is.EqualTo(["suppressed", "no@example.org suppressed", "x@CLOSED.example suppressed"]));
        await PostAsync("mixed", "no@example.org", "yes@example.org", "later@example.org");
        await _daemon.EventsAsync(static e => e.MessageId == "mixed" && e.Type == EventType.MessageSent, 1);

        Assert.That(
            await RecipientsAsync("mixed"),
            Is.EqualTo(["sent", "no@example.org suppressed", "yes@example.org sent", "later@example.org suppressed"])
        );
        Assert.That(Got, Is.EqualTo(["yes@example.org"]));
        var events = await _daemon.EventsAsync(static e => e.MessageId == "mixed", 3);
        Assert.That(
            events.Select(static e => (e.Sequence, e.Type)),
            Is.EqualTo([(1, EventType.MessageQueued), (2, EventType.MessageSuppressed), (3, EventType.MessageSent)])
        );
        var ended = (await _daemon.EventsAsync(static e => e.MessageId == "all", 1)).Single();
        Assert.That((ended.Type, ended.Status, ended.Sequence), Is.EqualTo((EventType.MessageSuppressed, MessageState.Suppressed, 1)));
    }

    [Test]
    public async Task Entry_AddedWhileMailWaits_CountsAtTheAttempt()
    {
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/accounts/real/pause"), Is.EqualTo(HttpStatusCode.OK));
        await PostAsync("one", "no@example.org");
        await PostAsync("two", "no@example.org", "yes@example.org");
        await PutAsync(new { address = "no@example.org", reason = "asked" });
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/accounts/real/resume"), Is.EqualTo(HttpStatusCode.OK));
        await _daemon.EventsAsync(static e => e.Status.IsFinal(), 2);

        Assert.That(await RecipientsAsync("one"), Is.EqualTo(["suppressed", "no@example.org suppressed"]));
        Assert.That(await RecipientsAsync("two"), Is.EqualTo(["sent", "no@example.org suppressed", "yes@example.org sent"]));
        Assert.That(Got, Is.EqualTo(["yes@example.org"]));
    }

    [Test]
    public async Task SameId_AfterItWasSuppressed_MayComeAgain()
    {
        await PutAsync(new { address = "no@example.org", reason = "asked" });
        await PostAsync("m", "no@example.org");
        Assert.That(
            await _daemon.SendAsync(HttpMethod.Delete, "/v1/suppressions?address=no@example.org"),
            Is.EqualTo(HttpStatusCode.NoContent)
        );
        await PostAsync("m", "no@example.org");
        await _daemon.EventsAsync(static e => e.Type == EventType.MessageSent, 1);
        Assert.That(Got, Is.EqualTo(["no@example.org"]));
    }

    [Test]
    public async Task Replaced_ByMailToTheSuppressed_IsSuppressed()
    {
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/accounts/real/pause"), Is.EqualTo(HttpStatusCode.OK));
        await PostAsync("m", "yes@example.org");
        await PutAsync(new { address = "no@example.org", reason = "asked" });
        await PostAsync("m", "no@example.org");
        Assert.That(await RecipientsAsync("m"), Is.EqualTo(["suppressed", "no@example.org suppressed"]));
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/accounts/real/resume"), Is.EqualTo(HttpStatusCode.OK));
        await PostAsync("n", "yes@example.org");
        await _daemon.EventsAsync(static e => e.Type == EventType.MessageSent, 1);
        Assert.That(Got, Is.EqualTo(["yes@example.org"]), "the first is not sent");
    }

    [Test]
    public async Task Bounce_OfATenantThatWantsIt_ComesOntoTheList([Values] bool wanted)
    {
        if (wanted)
        {
            var put = await _daemon.SendAsync(HttpMethod.Put, "/v1/tenants/default", new { name = "default", suppress_bounces = true });
            Assert.That(put, Is.EqualTo(HttpStatusCode.OK));
        }

        await PostAsync("m", "gone@example.org", "yes@example.org");
        await _daemon.EventsAsync(static e => e.Status.IsFinal(), 1);
        var list = (await _daemon.GetAsync("/v1/suppressions"))["data"]!.AsArray();
        Assert.That(
            list.Select(static entry => $"{entry!["address"]} {entry["source"]} {entry["reason"]}"),
            Is.EqualTo(wanted ? ["gone@example.org bounce 5.1.1 No such user"] : Array.Empty<string>())
        );
        await PostAsync("again", "gone@example.org");
        await _daemon.EventsAsync(static e => e.MessageId == "again" && e.Status.IsFinal(), 1);
        Assert.That((await RecipientsAsync("again"))[0], Is.EqualTo(wanted ? "suppressed" : "failed"));
    }

    [Test]
    public async Task List_OfATenant_IsItsOwn_AndSurvivesARestart()
    {
        await _daemon.MakeTenantAsync("acme");
        await PutAsync(new { address = "no@example.org", reason = "asked" });
        using (var theirs = new HttpRequestMessage(HttpMethod.Get, "/v1/suppressions"))
        {
            theirs.Headers.Add("X-Tenant", "acme");
            using var answer = await _daemon.Http.SendAsync(theirs);
            Assert.That(JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["data"]!.AsArray(), Is.Empty);
        }

        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(_directory);
        await PostAsync("m", "no@example.org");
        Assert.That((await RecipientsAsync("m"))[0], Is.EqualTo("suppressed"));
    }

    [TestCase("""{"reason":"r"}""", "/address")]
    [TestCase("""{"address":"a@x.example","domain":"x.example","reason":"r"}""", "/address")]
    [TestCase("""{"address":"nobody","reason":"r"}""", "/address")]
    [TestCase("""{"domain":"no domain","reason":"r"}""", "/domain")]
    [TestCase("""{"address":"a@x.example"}""", "/reason")]
    [TestCase("""{"address":"a@x.example","reason":"r","expires_at":"2001-01-01T00:00:00Z"}""", "/expires_at")]
    [TestCase("""{"address":"a@x.example","reason":"r","surprise":1}""", "/surprise")]
    public async Task Put_Mistake_422WithItsPointer(string json, string pointer)
    {
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await _daemon.Http.PutAsync("/v1/suppressions", body);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.That((int)answer.StatusCode, Is.EqualTo(422), problem.ToJsonString());
        Assert.That(problem["errors"]!.AsArray().Select(static e => (string)e!["pointer"]!), Does.Contain(pointer));
    }

    [Test]
    public async Task Import_OfEachForm_TakesTheGoodLinesAndTellsTheBad()
    {
        var json = await ImportAsync(
            "application/x-ndjson",
            "{\"address\":\"One@example.org\",\"reason\":\"r\"}\n{\"domain\":\"two.example\"}\nnonsense\n\n{\"address\":\"x\"}\n"
                + new string('x', 5_000)
                + "\n{\"address\":\"one@example.org\"}"
        );
        Assert.That(((int)json["added"]!, (int)json["replaced"]!, (int)json["refused"]!), Is.EqualTo((2, 0, 3)), json.ToJsonString());
        Assert.That(json["errors"]!.AsArray().Select(static e => (int)e!["line"]!), Is.EqualTo([3, 5, 6]));

        var csv = await ImportAsync(
            "text/csv",
            "\uFEFFaddress,reason,expires_at\r\none@example.org,\"a, \"\"b\"\"\",2099-01-01T00:00:00Z\r\nthree.example\r\n\"open\r\n"
        );
        Assert.That(((int)csv["added"]!, (int)csv["replaced"]!, (int)csv["refused"]!), Is.EqualTo((1, 1, 1)), csv.ToJsonString());

        var exported = await _daemon.Http.GetStringAsync("/v1/suppressions/export?format=csv");
        Assert.That(
            exported.Split("\r\n"),
            Is.EqualTo([
                "address,reason,expires_at",
                "three.example,no reason was given,",
                "two.example,no reason was given,",
                "one@example.org,\"a, \"\"b\"\"\",2099-01-01T00:00:00.000Z",
                "",
            ])
        );
        var again = await ImportAsync("application/x-ndjson", await _daemon.Http.GetStringAsync("/v1/suppressions/export"));
        Assert.That(
            ((int)again["added"]!, (int)again["replaced"]!, (int)again["refused"]!),
            Is.EqualTo((0, 3, 0)),
            "an export can be put back"
        );
    }

    [Test]
    public async Task List_InPages_GoesOnWhereItEnded()
    {
        await ImportAsync("text/csv", string.Join('\n', Enumerable.Range(0, 1_234).Select(static i => $"r{i:0000}@example.org")));
        var (seen, cursor) = (new List<string>(), "");
        do
        {
            var page = await _daemon.GetAsync($"/v1/suppressions?limit=500&cursor={Uri.EscapeDataString(cursor)}");
            seen.AddRange(page["data"]!.AsArray().Select(static entry => (string)entry!["address"]!));
            cursor = (string?)page["next_cursor"] ?? "";
        } while (cursor.Length > 0);
        Assert.That(seen, Has.Count.EqualTo(1_234).And.Unique.And.Ordered);
    }

    private async Task<JsonNode> ImportAsync(string type, string text)
    {
        using var body = new StringContent(text, Encoding.UTF8);
        body.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var answer = await _daemon.Http.PostAsync("/v1/suppressions/import", body);
        var told = await answer.Content.ReadAsStringAsync();
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK), told);
        return JsonNode.Parse(told)!;
    }
}
