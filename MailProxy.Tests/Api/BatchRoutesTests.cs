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
        Assert.That(await answer.Content.ReadAsStringAsync(), Is.EqualTo("""{"id":"news","tenant":"default","suspended":false,"total":7,"counts":{"queued":3,"sent":4}}"""));
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
    public async Task Suspend_NotAnId_422()
    {
        using var answer = await _host.SendAsync("POST", "/v1/batches/No%20Id/suspend");
        await answer.ProblemAsync(422, "invalid_id");
    }

    [Test]
    public async Task SuspendThenActivate_ActsAndWakesTheTenantsLanes()
    {
        var account = _host.Add(new() { Key = default, Tenant = "default", Id = "a", Version = 1, Sandbox = true });
        _host.Add(new() { Key = default, Tenant = "acme", Id = "a", Version = 1, Sandbox = true });
        _host.Batches.Batches[("default", "news")] = new("default", "news", null, [(MessageState.Queued, 3)]);
        using var suspended = await _host.SendAsync("POST", "/v1/batches/news/suspend");
        Assert.That(await suspended.Content.ReadAsStringAsync(), Does.Contain("\"suspended\":true,\"suspended_at\":\"1970-01-01T00:00:01Z\""));
        _host.Wake.Drain();

        using var active = await _host.SendAsync("POST", "/v1/batches/news/activate");
        Assert.That(await active.Content.ReadAsStringAsync(), Does.Contain("\"suspended\":false"));
        Assert.That(_host.Wake.Drain().DueByAccount.Keys, Is.EqualTo(new[] { account.Key }));
    }
}
