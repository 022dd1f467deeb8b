using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class BatchRoutesTests
{
    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [Test]
    public async Task Get_Known_CountsByStatus()
    {
        _host.Batches.Batches[("default", "news")] = new("default", "news", null, [(MessageState.Queued, 3), (MessageState.Sent, 4)]);
        using var answer = await _host.SendAsync("GET", "/v1/batches/news");
        Assert.That(
            (await answer.Content.ReadAsStringAsync()).TrimEnd('\n'),
            Is.EqualTo("""{"id":"news","tenant":"default","suspended":false,"weight":1,"total":7,"counts":{"queued":3,"sent":4}}""")
        );
    }

    [Test]
    public async Task Get_Unknown_404()
    {
        using var get = await _host.SendAsync("GET", "/v1/batches/news");
        await get.ProblemAsync(404, "not_found");
        using var activate = await _host.SendAsync("POST", "/v1/batches/news/activate");
        await activate.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task List_Known_ByNamePageByPage()
    {
        foreach (var id in new[] { "b", "a", "c" })
            _host.Batches.Batches[("default", id)] = new("default", id, id == "b" ? 1_000 : null, []);
        _host.Batches.Batches[("acme", "d")] = new("acme", "d", null, []);
        using var first = await _host.SendAsync("GET", "/v1/batches?limit=2");
        var page = await first.JsonAsync();
        using var second = await _host.SendAsync("GET", $"/v1/batches?limit=2&cursor={page.GetProperty("next_cursor").GetString()}");
        Assert.That(
            page.GetProperty("data").ToString(),
            Is.EqualTo(
                """[{"id":"a","tenant":"default","suspended":false,"weight":1},{"id":"b","tenant":"default","suspended":true,"suspended_at":"1970-01-01T00:00:01Z","weight":1}]"""
            )
        );
        Assert.That(
            (await second.Content.ReadAsStringAsync()).TrimEnd('\n'),
            Is.EqualTo("""{"data":[{"id":"c","tenant":"default","suspended":false,"weight":1}],"next_cursor":null}""")
        );
    }

    [Test]
    public async Task PutThenDelete_OfANewOne_SuspendsAndForgets()
    {
        using var made = await _host.SendAsync("PUT", "/v1/batches/news", """{"suspended":true}""");
        using var again = await _host.SendAsync("PUT", "/v1/batches/news", await made.Content.ReadAsStringAsync());
        using var gone = await _host.SendAsync("DELETE", "/v1/batches/news");
        using var unknown = await _host.SendAsync("DELETE", "/v1/batches/news");
        Assert.That(new[] { made, again, gone, unknown }.Select(a => (int)a.StatusCode), Is.EqualTo(new[] { 201, 200, 204, 404 }));
    }

    [Test]
    public async Task Put_NotSuspendedOfAnUnknownOne_CreatesNothing()
    {
        using var answer = await _host.SendAsync("PUT", "/v1/batches/none", """{"suspended":false}""");
        using var read = await _host.SendAsync("GET", "/v1/batches/none");
        Assert.That(((int)answer.StatusCode, answer.Headers.Location, (int)read.StatusCode), Is.EqualTo((200, (Uri?)null, 404)));
    }

    [TestCase(MessageState.Queued, 409)]
    [TestCase(MessageState.Sent, 204)]
    public async Task Delete_WithMail_OnlyWhenItIsFinished(MessageState state, int status)
    {
        _host.Batches.Batches[("default", "news")] = new("default", "news", 1_000, [(state, 3)]);
        using var answer = await _host.SendAsync("DELETE", "/v1/batches/news");
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
        Assert.That(_host.Batches.Batches[("default", "news")].SuspendedAt is null, Is.EqualTo(status == 204));
    }

    [TestCase("{}", "/suspended")]
    [TestCase("""{"suspended":"yes"}""", "/suspended")]
    [TestCase("""{"suspended":true,"more":1}""", "/more")]
    public async Task Put_Mistake_422WithItsPointer(string json, string pointer)
    {
        using var answer = await _host.SendAsync("PUT", "/v1/batches/news", json);
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That((await answer.JsonAsync()).Pointers(), Is.EqualTo(new[] { pointer }));
    }

    [Test]
    public async Task Suspend_NotAnId_422()
    {
        using var answer = await _host.SendAsync("POST", "/v1/batches/No%20Id/suspend");
        await answer.ProblemAsync(422, "invalid_id");
    }

    [Test]
    public async Task SuspendThenActivate_ActsAndWakesTheTenantsLanes()
    {
        var account = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "a",
                Version = 1,
                Sandbox = true,
            }
        );
        await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "acme",
                Id = "a",
                Version = 1,
                Sandbox = true,
            }
        );
        _host.Batches.Batches[("default", "news")] = new("default", "news", null, [(MessageState.Queued, 3)]);
        using var suspended = await _host.SendAsync("POST", "/v1/batches/news/suspend");
        Assert.That(
            await suspended.Content.ReadAsStringAsync(),
            Does.Contain("\"suspended\":true,\"suspended_at\":\"1970-01-01T00:00:01Z\"")
        );
        _host.Wake.Drain();

        using var active = await _host.SendAsync("POST", "/v1/batches/news/activate");
        Assert.That(await active.Content.ReadAsStringAsync(), Does.Contain("\"suspended\":false"));
        Assert.That(_host.Wake.Drain().DueByLane.Keys, Is.EqualTo(new[] { Lanes.Of(account.Key) }));
    }
}
