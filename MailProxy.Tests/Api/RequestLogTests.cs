using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Storage.Nodes;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>The last requests of a day.</summary>
[TestFixture]
internal sealed class RequestLogTests
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 29, 0, 0, 0, TimeSpan.Zero));

    [Test]
    public void Read_IsNewestFirst_OfATenant_OrOfAll_InPages()
    {
        var log = new RequestLog(_clock);
        for (var i = 0; i < 6; i++)
            log.Note(Request(i % 2 == 0 ? "a" : "b", path: $"/v1/{i}"));

        Assert.That(Paths(log.Read("a", false, null, null, 10)), Is.EqualTo(new[] { "/v1/4", "/v1/2", "/v1/0" }));
        var page = log.Read(null, false, null, null, 4);
        Assert.That(Paths(page), Is.EqualTo(new[] { "/v1/5", "/v1/4", "/v1/3", "/v1/2" }));
        Assert.That(Paths(log.Read(null, false, null, page[^1].Number, 4)), Is.EqualTo(new[] { "/v1/1", "/v1/0" }));
        Assert.That(log.Read("c", false, null, null, 10), Is.Empty);
    }

    [Test]
    public void ManyGoodOnes_DoNotPushOutAFailure_NorAnotherTenants()
    {
        var log = new RequestLog(_clock, capacity: 400);
        log.Note(Request("quiet"));
        log.Note(Request("busy", status: 422));
        for (var i = 0; i < 10_000; i++)
            log.Note(Request("busy"));

        Assert.That(log.Read("quiet", false, null, null, 10), Has.Count.EqualTo(1));
        Assert.That(log.Read("busy", true, null, null, 10), Has.Count.EqualTo(1));
        Assert.That(log.Read(null, false, null, null, int.MaxValue), Has.Count.LessThanOrEqualTo(400));
    }

    [Test]
    public void NewTenants_TakeTheirPartFromThoseThatHadAll()
    {
        var log = new RequestLog(_clock, capacity: 1_000);
        for (var tenant = 0; tenant < 50; tenant++)
        {
            for (var i = 0; i < 1_000; i++)
                log.Note(Request($"t{tenant}"));
        }

        Assert.That(log.Read(null, false, null, null, int.MaxValue), Has.Count.LessThanOrEqualTo(1_000));
        Assert.That(log.Read("t0", false, null, null, int.MaxValue), Has.Count.EqualTo(10));
    }

    [Test]
    public void Read_OfAMessage_FindsTheRequestsThatWereAboutIt()
    {
        var log = new RequestLog(_clock);
        log.Note(Request("a", messages: ["m1", "m2"]));
        log.Note(Request("a", messages: ["m3"]));

        Assert.That(log.Read("a", false, "m2", null, 10), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task ADayLater_AndOfADeletedTenant_ThereIsNothing()
    {
        var log = new RequestLog(_clock);
        log.Note(Request("a"));
        log.Note(Request("b"));
        await log.ForgetAsync("b");
        Assert.That(log.Read(null, false, null, null, 10), Has.Count.EqualTo(1));

        _clock.Advance(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));

        Assert.That(log.Read(null, false, null, null, 10), Is.Empty);
    }

    private LoggedRequest Request(string tenant, int status = 200, string path = "/v1/x", params string[] messages) =>
        new(0, _clock.GetUtcNow().ToUnixTimeMilliseconds(), "GET", path, status, 1, null, "admin", tenant, "r", messages);

    private static IEnumerable<string> Paths(IEnumerable<LoggedRequest> some) => some.Select(static one => one.Path);
}
