using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>One tenant takes all it can get, and the other goes on.</summary>
[TestFixture]
public sealed class FairIntakeTests
{
    private const string Mail = """{"from":"a@x.example","to":"b@x.example","text":"hello"}""";
    private static readonly TenantShare Half = new(0.5, static () => true);

    private static string Post(string key, string path, params string[] headers) => RawHttp.Head($"POST {path} HTTP/1.1", key, headers);

    [Test]
    public async Task Bodies_DeclaredAndNotSent_HoldNothing()
    {
        await using var host = await TenantHost.StartAsync(new() { OnKestrel = true, Share = Half });
        var slow = new List<RawHttp>();
        foreach (var length in (int[])[52_428_800, 14_680_064, 52_428_800, 52_428_800])
        {
            var raw = await RawHttp.ConnectAsync(host.Address);
            await raw.SendAsync(
                Post(TenantHost.Hog, "/v1/messages", "Content-Type: application/json", $"Content-Length: {length}") + Mail[..20]
            );
            slow.Add(raw);
        }

        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(10), slow.Count); // each waits for more
        using var victim = host.As(TenantHost.Victim);
        using var hog = host.As(TenantHost.Hog);
        Assert.That(await victim.PostAsync("/v1/messages", Mail), Is.EqualTo(202));
        Assert.That(await hog.PostAsync("/v1/messages", Mail), Is.EqualTo(202));
        Assert.That(Held(host, "hog", "request_bytes"), Is.LessThanOrEqualTo(4 * 65_536));
        foreach (var raw in slow)
            raw.Dispose();
    }

    [TestCase("/v1/messages", "application/json")]
    [TestCase("/v1/messages/batch", "application/json")]
    [TestCase("/v1/messages", "application/x-ndjson")]
    [TestCase("/v1/messages/m/reschedule", "application/json")]
    [TestCase("/v1/webhooks/w/replay", "application/json")]
    public async Task Body_TooSlow_408AndItsMemoryIsGivenBack(string path, string type)
    {
        await using var host = await TenantHost.StartAsync(new() { OnKestrel = true, Share = Half });
        using var raw = await RawHttp.ConnectAsync(host.Address);
        await raw.SendAsync(Post(TenantHost.Hog, path, $"Content-Type: {type}", "Content-Length: 100000") + "{\"a\":");
        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(10));
        Assert.That(Held(host, "hog", "request_bytes"), Is.GreaterThan(0));
        host.Clock.Advance(TimeSpan.FromSeconds(10));
        var answer = await raw.AnswerAsync();
        Assert.That(answer?.Status, Is.EqualTo(408), answer?.Body);
        Assert.That(answer?.Body, Does.Contain("\"request_timeout\""));
        Assert.That(answer?.Head, Does.Contain("Connection: close"));
        Assert.That(Held(host, "hog", "request_bytes"), Is.Zero);
    }

    [Test]
    public async Task Body_FastAndThenAway_IsCutAllTheSame()
    {
        await using var host = await TenantHost.StartAsync(new() { OnKestrel = true, Share = Half });
        using var raw = await RawHttp.ConnectAsync(host.Address);
        await raw.SendAsync(Post(TenantHost.Hog, "/v1/messages", "Content-Type: application/json", "Content-Length: 4000000"));
        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(10));
        host.Clock.Advance(TimeSpan.FromSeconds(4));
        await raw.SendAsync(new string(' ', 3_900_000)); // worth a quarter of an hour, of which ten seconds count
        var answer = raw.AnswerAsync();

        // It may wait for a piece of the body several times, and only time in which it waits counts.
        for (var waits = 2; await Task.WhenAny(answer, host.Clock.WaitedForAsync(TimeSpan.FromSeconds(10), waits)) != answer; waits++)
            host.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.That((await answer)?.Status, Is.EqualTo(408));
    }

    [Test]
    public async Task Submissions_OfOneTenant_NeverHaveEveryPlace()
    {
        var all = new TaskCompletionSource();
        var kept = new List<Submission>();
        await using var host = await TenantHost.StartAsync(
            new()
            {
                Share = Half,
                Limits = new() { ChannelCapacity = 8 },
                Behind = submission =>
                {
                    if (submission.Tenant == "victim")
                        ApiHost.StoreAll(submission);
                    else
                        kept.Add(submission);
                    if (kept.Count == 4)
                        all.TrySetResult();
                    return ValueTask.CompletedTask;
                },
            }
        );
        using var hog = host.As(TenantHost.Hog);
        using var victim = host.As(TenantHost.Victim);
        var posting = Enumerable.Range(0, 20).Select(_ => hog.PostAsync("/v1/messages", Mail)).ToArray();
        await all.Task.WaitAsync(ApiHost.Deadline);
        Assert.That(Held(host, "hog", "submissions"), Is.EqualTo(4));
        Assert.That(await victim.PostAsync("/v1/messages", Mail), Is.EqualTo(202));

        // Who waited longer than a request's deadline is told to come again; a place that is given back is the next one's.
        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(2), 16);
        host.Clock.Advance(TimeSpan.FromSeconds(2));
        foreach (var submission in kept.ToArray())
            ApiHost.StoreAll(submission);
        var status = await Task.WhenAll(posting);
        Assert.That((status.Count(static s => s == 202), status.Count(static s => s == 503)), Is.EqualTo((4, 16)));
        Assert.That(Held(host, "hog", "submissions"), Is.Zero);
    }

    [Test]
    public async Task Batch_DefaultsOfAMegabyteIntoThreeHundred_422AndNothingIsHeld()
    {
        await using var host = await TenantHost.StartAsync(new() { Share = Half });
        using var hog = host.As(TenantHost.Hog);
        var defaults = $$"""{"from":"a@x.example","to":"b@x.example","text":"{{new string('A', 1_000_000)}}"}""";
        var batch = $$"""{"defaults":{{defaults}},"messages":[{{string.Join(',', Enumerable.Repeat("{}", 300))}}]}""";
        using var answer = await hog.PostAsync("/v1/messages/batch", new StringContent(batch, null, "application/json"));
        var problem = await answer.ProblemAsync(422, "defaults_too_large");
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { "/defaults" }));
        Assert.That(Held(host, "hog", "request_bytes"), Is.Zero);
    }

    [Test]
    public async Task LongPolls_BeyondTheShare_429AndTheOtherTenantWaits()
    {
        await using var host = await TenantHost.StartAsync(new() { Share = Half, Configure = static options => options.MaxLongPolls = 4 });
        using var hog = host.As(TenantHost.Hog);
        using var victim = host.As(TenantHost.Victim);
        Task<HttpResponseMessage>[] waiting = [hog.GetAsync("/v1/events?wait=60"), hog.GetAsync("/v1/events?wait=60")];
        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(60), 2);
        using (var refused = await hog.GetAsync("/v1/events?wait=60"))
        {
            await refused.ProblemAsync(429, "too_many_long_polls");
            Assert.That(refused.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
        }

        using (var without = await hog.GetAsync("/v1/events"))
            Assert.That((int)without.StatusCode, Is.EqualTo(200));
        var other = victim.GetAsync("/v1/events?wait=60");
        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(60), 3);
        host.Clock.Advance(TimeSpan.FromSeconds(60));
        foreach (var answer in await Task.WhenAll([.. waiting, other]))
            Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(Held(host, "hog", "long_polls"), Is.Zero);
    }

    [Test]
    public async Task OutOfMemory_503WithRetryAfter()
    {
        await using var host = await ApiHost.StartAsync();
        host.Queries.Fault = new InsufficientMemoryException();
        using var answer = await host.SendAsync("GET", "/v1/messages/m");
        await answer.ProblemAsync(503, "overloaded");
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
    }

    private static long Held(ApiHost host, string tenant, string share) =>
        ((TenantShares)host.Services.GetService(typeof(TenantShares))!).Of(tenant).Single(one => one.Name == share).Held;
}
