using MailProxy.Pipeline.Resolve;
using NUnit.Framework;
using static MailProxy.Tests.Resolve.FetchRig;

namespace MailProxy.Tests.Resolve;

internal sealed class AttachmentFetcherTests
{
    [Test]
    public async Task Fetch_OneSource_ComesBackWithItsContent()
    {
        await using var rig = new FetchRig();
        Assert.That(rig.Take(1, Url()), Is.Null);

        rig.Fetch(1, Url());
        await rig.ReturnedAsync(1);

        var files = rig.Take(1, Url())!;
        Assert.That(await File.ReadAllTextAsync(files[0].Path), Is.EqualTo("http://files.example/a"));
        Assert.That(files[0].Size, Is.EqualTo(22));
        Assert.That(rig.AsideSeen, Is.EqualTo(new[] { Ticket(1) }));
        Assert.That((rig.Fetcher.Aside, rig.Metrics.AttachmentBytes.Value, rig.Metrics.CacheMisses.Value), Is.EqualTo((0, 22d, 1d)));
    }

    [Test]
    public async Task TenThousandMails_WithTheSameAttachment_FetchItOnce()
    {
        await using var rig = new FetchRig();
        var may = new TaskCompletionSource();
        rig.Source.Answer = async (_, cancel) =>
        {
            await may.Task.WaitAsync(cancel);
            return ScriptedSource.Of("x");
        };
        for (var id = 1; id <= 10_000; id++)
            Assert.That(rig.Fetch(id, Url()), Is.True);
        may.SetResult();
        await rig.ReturnedAsync(10_000);

        for (var id = 1; id <= 10_000; id++)
            rig.Take(id, Url())![0].Dispose();
        Assert.That(rig.Source.Opened, Is.EqualTo(1));
        Assert.That(rig.Files(), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Mail_AcceptedBeforeTheFetch_TakesWhatIsThere()
    {
        await using var rig = new FetchRig();
        rig.Fetch(1, Url());
        await rig.ReturnedAsync(1);

        var files = rig.Take(2, Url());

        Assert.That(files, Is.Not.Null);
        Assert.That(rig.Metrics.CacheHits.Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Mail_AcceptedAfterTheFetchBegan_IsNotServedByIt([Values(0, 1)] int later)
    {
        await using var rig = new FetchRig();
        var may = new TaskCompletionSource();
        var version = 0;
        rig.Source.Answer = async (_, cancel) =>
        {
            var mine = ++version;
            await may.Task.WaitAsync(cancel);
            return ScriptedSource.Of($"version {mine}");
        };
        rig.Fetch(1, Url());
        await rig.Source.AskedAsync();
        rig.Clock.Advance(TimeSpan.FromMilliseconds(later));
        rig.Fetch(2, rig.Now, Url());
        rig.Clock.Advance(TimeSpan.FromMilliseconds(1));
        may.SetResult();
        await rig.ReturnedAsync(2);

        Assert.That(await File.ReadAllTextAsync(rig.Take(1, Url())![0].Path), Is.EqualTo("version 1"));
        Assert.That(await File.ReadAllTextAsync(rig.Take(2, Url())![0].Path), Is.EqualTo("version 2"));
        Assert.That(rig.Fetcher.TryTake(Ticket(3), "default", rig.Now, [Url()]), Is.Null, "accepted now, and the source may have changed");
    }

    [Test]
    public async Task ClockSetBack_AnswersAreNotTrusted()
    {
        await using var rig = new FetchRig();
        rig.Fetch(1, Url());
        await rig.ReturnedAsync(1);
        var now = rig.Now;

        rig.Clock.AdjustTime(rig.Clock.GetUtcNow().AddHours(-1));

        Assert.That(rig.Fetcher.TryTake(Ticket(2), "default", now - 1_000_000, [Url()]), Is.Null);
    }

    [Test]
    public async Task ClaimedHash_FetchedByTheSameTenant_IsFoundWhereverItCameFrom()
    {
        await using var rig = new FetchRig();
        rig.Fetch(1, Url("one"));
        await rig.ReturnedAsync(1);
        var sha = Sha("http://files.example/one");

        Assert.That(rig.Fetcher.TryTake(Ticket(2), "default", rig.Now, [Url("two", sha256: sha)]), Is.Not.Null);
        Assert.That(rig.Fetcher.TryTake(Ticket(2), "default", rig.Now, [Url("two", sha256: sha, size: 5)]), Is.Null);
    }

    [Test]
    public async Task OtherTenant_HasNothingOfIt()
    {
        await using var rig = new FetchRig();
        rig.Fetch(1, Url());
        await rig.ReturnedAsync(1);

        Assert.That(rig.Fetcher.TryTake(Ticket(2), "other", rig.Now - 1, [Url(sha256: Sha("http://files.example/a"))]), Is.Null);
        Assert.That(rig.Fetcher.TryTake(Ticket(2), "other", rig.Now - 1, [Url()]), Is.Null);
    }

    [TestCase("sha256")]
    [TestCase("md5")]
    [TestCase("size")]
    public async Task Content_NotAsClaimed_FailsAtOnceAndNamesTheSource(string what)
    {
        await using var rig = new FetchRig();
        rig.Fetch(
            1,
            Url(
                "a?secret",
                sha256: what == "sha256" ? Sha("other") : null,
                md5: what == "md5" ? new byte[16] : null,
                size: what == "size" ? 7 : null
            )
        );

        var (ticket, trouble) = await rig.FailedAsync();

        Assert.That((ticket, trouble.Status, trouble.BySource), Is.EqualTo((Ticket(1), "5.6.0", true)));
        Assert.That(trouble.Message, Does.StartWith("http://files.example/a: it").Or.StartWith("http://files.example/a: its"));
        Assert.That(trouble.Message, Does.Not.Contain("secret"));
    }

    [Test]
    public async Task Claims_OfTwoMails_AreEachTheirOwn()
    {
        await using var rig = new FetchRig();
        var may = new TaskCompletionSource();
        rig.Source.Answer = async (_, cancel) =>
        {
            await may.Task.WaitAsync(cancel);
            return ScriptedSource.Of("x", 1);
        };
        rig.Fetch(1, Url(size: 2));
        rig.Fetch(2, Url(size: 1, sha256: Sha("x")));
        may.SetResult();

        Assert.That((await rig.FailedAsync()).Ticket.Id, Is.EqualTo(1));
        Assert.That(await rig.ReturnedAsync(1), Is.EqualTo(new long[] { 2 }));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Source_GoneOrRefused_FailsWithoutASecondTry(bool gone)
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) =>
            throw new SourceException(gone ? SourceFault.Gone : SourceFault.Refused, "http://files.example/a: it answered 404.");
        rig.Fetch(1, Url());

        var (_, trouble) = await rig.FailedAsync();

        Assert.That((trouble.Status, trouble.Message), Is.EqualTo((gone ? "5.6.0" : "5.7.1", "http://files.example/a: it answered 404.")));
        Assert.That(rig.Source.Opened, Is.EqualTo(1));
    }

    [Test]
    public async Task Source_Down_IsAskedTwiceAtOnceAndThenDeferred()
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) => throw new SourceException(SourceFault.Down, "down");
        rig.Fetch(1, Url());

        Assert.That((await rig.FailedAsync()).Trouble, Is.EqualTo(new FetchTrouble("down", null, true)));
        Assert.That(rig.Source.Opened, Is.EqualTo(2));
    }

    [Test]
    public async Task Source_DownOnce_IsHadAtTheSecondTry()
    {
        await using var rig = new FetchRig();
        var tries = 0;
        rig.Source.Answer = (_, _) =>
            tries++ == 0 ? throw new SourceException(SourceFault.Down, "down") : Task.FromResult(ScriptedSource.Of("x"));
        rig.Fetch(1, Url());

        Assert.That(await rig.ReturnedAsync(1), Is.EqualTo(new long[] { 1 }));
    }

    [Test]
    public async Task Source_SaysWhenToComeAgain_IsNotAskedBefore()
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) => throw new SourceException(SourceFault.Down, "busy") { RetryAfter = TimeSpan.FromSeconds(70) };
        rig.Fetch(1, Url());

        Assert.That((await rig.FailedAsync()).Trouble.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(70)));
        Assert.That(rig.Source.Opened, Is.EqualTo(1));
    }

    [Test]
    public async Task Source_Bug_DefersTheMailAsTroubleOfOurOwn()
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) => throw new InvalidOperationException("odd");
        rig.Fetch(1, Url());

        var (_, trouble) = await rig.FailedAsync();
        Assert.That((trouble.Status, trouble.BySource), Is.EqualTo(((string?)null, false)));
        Assert.That(trouble.Message, Does.Contain("odd"));
    }

    [Test]
    public async Task TwoSources_OfOneMail_AreFetchedAtTheSameTime()
    {
        await using var rig = new FetchRig();
        var may = new TaskCompletionSource();
        rig.Source.Answer = async (wanted, cancel) =>
        {
            await may.Task.WaitAsync(cancel);
            return ScriptedSource.Of(wanted.Place.ToString());
        };
        rig.Fetch(1, Url("one"), Url("two", index: 1));
        await rig.Source.AskedAsync();
        await rig.Source.AskedAsync();
        may.SetResult();
        await rig.ReturnedAsync(1);

        var files = rig.Take(1, Url("one"), Url("two", index: 1))!;
        Assert.That(
            files.Select(f => File.ReadAllText(f.Path)),
            Is.EqualTo(new[] { "http://files.example/one", "http://files.example/two" })
        );
    }

    [Test]
    public async Task TwoSources_BothFailing_DecideOnce()
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) => throw new SourceException(SourceFault.Gone, "gone");
        rig.Fetch(1, Url("one"), Url("two", index: 1));
        await rig.FailedAsync();

        await rig.StopAsync();

        Assert.That((rig.MoreFailures, rig.Fetcher.Aside), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task TwoSources_OneFails_LetsTheOthersContentGo()
    {
        await using var rig = new FetchRig(new() { CacheBytes = 0 });
        rig.Source.Answer = (wanted, _) =>
            wanted.Place.ToString()!.EndsWith("bad", StringComparison.Ordinal)
                ? throw new SourceException(SourceFault.Gone, "gone")
                : Task.FromResult(ScriptedSource.Of("x"));
        rig.Fetch(1, Url("good"), Url("bad", index: 1));
        await rig.FailedAsync();
        await rig.StopAsync();

        Assert.That(rig.Files(), Is.Empty);
    }

    [Test]
    public async Task Stop_WhileFetching_EndsItAndLeavesNoPart()
    {
        await using var rig = new FetchRig();
        var stalled = new TaskCompletionSource();
        rig.Source.Answer = (_, _) => Task.FromResult(new OpenedSource(new StallingStream(stalled), null));
        rig.Fetch(1, Url());
        await stalled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(rig.Files("*.part"), Has.Length.EqualTo(1));

        await rig.StopAsync();

        Assert.That(rig.Files(), Is.Empty);
        Assert.That(rig.MoreFailures, Is.Zero);
        Assert.That(rig.Fetch(2, Url("b")), Is.True, "set aside, and found in the store at the next start");
        Assert.That(rig.Source.Opened, Is.EqualTo(1));
    }
}
