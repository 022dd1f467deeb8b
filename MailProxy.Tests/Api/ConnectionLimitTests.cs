using MailProxy.Daemon.Api;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>More connections than there may be: those that say nothing go first.</summary>
[TestFixture]
public sealed class ConnectionLimitTests
{
    private static readonly string Live = RawHttp.Head("GET /health/live HTTP/1.1", ApiHost.Key);

    [Test]
    public async Task Connect_ManyIdle_TheOldestIsClosedAndTheNewOneServed()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true, MostConnections = 8 });
        var idle = new List<RawHttp>();
        for (var i = 0; i < 8; i++)
        {
            idle.Add(await RawHttp.ConnectAsync(host.Address));
            await idle[i].SendAsync(i % 2 == 0 ? Live : "GET / HTT"); // some have asked already, some never get to
            if (i % 2 == 0)
                Assert.That((await idle[i].AnswerAsync())?.Status, Is.EqualTo(200));
        }

        for (var i = 0; i < 20; i++)
        {
            using var next = await RawHttp.ConnectAsync(host.Address);
            await next.SendAsync(Live);
            Assert.That((await next.AnswerAsync())?.Status, Is.EqualTo(200));
        }

        foreach (var raw in idle)
            raw.Dispose();
    }

    [Test]
    public async Task CloseAfterAnswers_EveryAnswerSaysSoAndTheConnectionEnds()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true, MostConnections = 8 });
        using var kept = await RawHttp.ConnectAsync(host.Address);
        await kept.SendAsync(Live);
        Assert.That((await kept.AnswerAsync())?.Head, Does.Not.Contain("Connection: close").IgnoreCase);

        host.Services.GetRequiredService<ConnectionLimit>().CloseAfterAnswers();
        await kept.SendAsync(Live);
        Assert.That((await kept.AnswerAsync())?.Head, Does.Contain("Connection: close").IgnoreCase);
        await kept.ClosedAsync();
    }

    [Test]
    public async Task Connect_AllUnderARequest_IsClosedAndTheOthersAreServed()
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true, MostConnections = 2 });
        var waiting = new List<RawHttp>();
        for (var i = 0; i < 2; i++)
        {
            waiting.Add(await RawHttp.ConnectAsync(host.Address));
            await waiting[i].SendAsync(RawHttp.Head("GET /v1/events?wait=60 HTTP/1.1", ApiHost.Key));
        }

        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(60), 2);
        await RawHttp.RefusedAsync(host.Address);
        host.Clock.Advance(TimeSpan.FromSeconds(60));
        foreach (var raw in waiting)
        {
            Assert.That((await raw.AnswerAsync())?.Status, Is.EqualTo(200));
            raw.Dispose();
        }
    }

    [TestCase("Max open files            1024                 1048576              files     ", 1024)]
    [TestCase("Max open files            unlimited            unlimited            files     ", null)]
    [TestCase("Max processes             1024                 1048576              processes ", null)]
    public void OpenFiles_Parse_TheSoftLimit(string line, int? expected) =>
        Assert.That(
            MailProxy.Daemon.Hosting.OpenFiles.Parse(["Limit                     Soft Limit           Hard Limit           Units", line]),
            Is.EqualTo(expected)
        );
}
