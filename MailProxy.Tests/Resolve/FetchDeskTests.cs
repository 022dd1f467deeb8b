using MailProxy.Pipeline.Resolve;
using NUnit.Framework;
using static MailProxy.Tests.Resolve.FetchRig;

namespace MailProxy.Tests.Resolve;

internal sealed class FetchDeskTests
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
        Assert.That((rig.Desk.Aside, rig.Metrics.AttachmentBytes.Value, rig.Metrics.CacheMisses.Value), Is.EqualTo((0, 22d, 1d)));
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
        for (var id = 1; id <= 10_000; id++) Assert.That(rig.Fetch(id, Url()), Is.True);
        may.SetResult();
        await rig.ReturnedAsync(10_000);

        for (var id = 1; id <= 10_000; id++) rig.Take(id, Url())![0].Dispose();
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
        Assert.That(rig.Desk.TryTake(Ticket(3), "default", rig.Now, [Url()]), Is.Null, "accepted now, and the source may have changed");
    }

    [Test]
    public async Task ClockSetBack_AnswersAreNotTrusted()
    {
        await using var rig = new FetchRig();
        rig.Fetch(1, Url());
        await rig.ReturnedAsync(1);
        var now = rig.Now;

        rig.Clock.AdjustTime(rig.Clock.GetUtcNow().AddHours(-1));

        Assert.That(rig.Desk.TryTake(Ticket(2), "default", now - 1_000_000, [Url()]), Is.Null);
    }

    [Test]
    public async Task ClaimedHash_FetchedByTheSameTenant_IsFoundWhereverItCameFrom()
    {
        await using var rig = new FetchRig();
        rig.Fetch(1, Url("one"));
        await rig.ReturnedAsync(1);
        var sha = Sha("http://files.example/one");

        Assert.That(rig.Desk.TryTake(Ticket(2), "default", rig.Now, [Url("two", sha256: sha)]), Is.Not.Null);
        Assert.That(rig.Desk.TryTake(Ticket(2), "default", rig.Now, [Url("two", sha256: sha, size: 5)]), Is.Null);
    }

    [Test]
    public async Task OtherTenant_HasNothingOfIt()
    {
        await using var rig = new FetchRig();
        rig.Fetch(1, Url());
        await rig.ReturnedAsync(1);

        Assert.That(rig.Desk.TryTake(Ticket(2), "other", rig.Now - 1, [Url(sha256: Sha("http://files.example/a"))]), Is.Null);
        Assert.That(rig.Desk.TryTake(Ticket(2), "other", rig.Now - 1, [Url()]), Is.Null);
    }

    [TestCase("sha256")]
    [TestCase("md5")]
    [TestCase("size")]
    public async Task Content_NotAsClaimed_FailsAtOnceAndNamesTheSource(string what)
    {
        await using var rig = new FetchRig();
        rig.Fetch(1, Url("a?secret", sha256: what == "sha256" ? Sha("other") : null, md5: what == "md5" ? new byte[16] : null, size: what == "size" ? 7 : null));

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
        rig.Source.Answer = (_, _) => throw new SourceException(gone ? SourceFault.Gone : SourceFault.Refused, "http://files.example/a: it answered 404.");
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
        rig.Source.Answer = (_, _) => tries++ == 0 ? throw new SourceException(SourceFault.Down, "down") : Task.FromResult(ScriptedSource.Of("x"));
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
        Assert.That(files.Select(f => File.ReadAllText(f.Path)), Is.EqualTo(new[] { "http://files.example/one", "http://files.example/two" }));
    }

    [Test]
    public async Task TwoSources_BothFailing_DecideOnce()
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) => throw new SourceException(SourceFault.Gone, "gone");
        rig.Fetch(1, Url("one"), Url("two", index: 1));
        await rig.FailedAsync();

        await rig.StopAsync();

        Assert.That((rig.MoreFailures, rig.Desk.Aside), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task TwoSources_OneFails_LetsTheOthersContentGo()
    {
        await using var rig = new FetchRig(new() { CacheBytes = 0 });
        rig.Source.Answer = (wanted, _) => wanted.Place.ToString()!.EndsWith("bad", StringComparison.Ordinal)
            ? throw new SourceException(SourceFault.Gone, "gone")
            : Task.FromResult(ScriptedSource.Of("x"));
        rig.Fetch(1, Url("good"), Url("bad", index: 1));
        await rig.FailedAsync();
        await rig.StopAsync();

        Assert.That(rig.Files(), Is.Empty);
    }

    [Test]
    public async Task SetAside_BeyondTheBound_IsRefused()
    {
        await using var rig = new FetchRig(new() { SetAside = 2 });
        rig.Source.Answer = ScriptedSource.Silent;

        Assert.That(Enumerable.Range(1, 3).Select(id => rig.Fetch(id, Url($"{id}"))), Is.EqualTo(new[] { true, true, false }));
        Assert.That((rig.Desk.Aside, rig.Metrics.MailsAside.Value), Is.EqualTo((2, 2d)));
    }

    [Test]
    public async Task SlowHost_LeavesItsNeighboursTheirTurn()
    {
        await using var rig = new FetchRig(new() { Fetches = 4, FetchesPerHost = 4 });
        rig.Source.Answer = (wanted, cancel) => wanted.Place.ToString()!.Contains("slow", StringComparison.Ordinal)
            ? ScriptedSource.Silent(wanted, cancel)
            : Task.FromResult(ScriptedSource.Of("x"));
        for (var id = 1; id <= 50; id++) rig.Fetch(id, Url($"{id}", "slow.example"));
        for (var id = 51; id <= 100; id++) rig.Fetch(id, Url($"{id}", "quick.example"));

        Assert.That(await rig.ReturnedAsync(50), Is.EquivalentTo(Enumerable.Range(51, 50)));
        Assert.That(rig.Source.ByPlace.Keys.Count(place => place.Contains("slow", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task Host_FailingAgainAndAgain_IsLeftAloneForAWhile()
    {
        await using var rig = new FetchRig(new() { FetchesPerHost = 1 });
        rig.Source.Answer = (_, _) => throw new SourceException(SourceFault.Down, "down");
        for (var id = 1; id <= 20; id++) rig.Fetch(id, Url($"{id}"));
        for (var id = 1; id <= 20; id++) Assert.That((await rig.FailedAsync()).Trouble.Status, Is.Null);
        Assert.That(rig.Source.Opened, Is.EqualTo(2 * HostWatch.Patience));

        rig.Clock.Advance(TimeSpan.FromMilliseconds(HostWatch.Pause));
        rig.Source.Answer = (_, _) => Task.FromResult(ScriptedSource.Of("x"));
        rig.Fetch(21, Url("21"));
        await rig.ReturnedAsync(1);
    }

    [Test]
    public async Task Fetched_NotTaken_IsHeldForTenMinutesAndNoLonger()
    {
        await using var rig = new FetchRig(new() { CacheBytes = 0 });
        rig.Fetch(1, Url());
        rig.Fetch(2, Url("b"));
        await rig.ReturnedAsync(2);

        rig.Clock.Advance(FetchDesk.Reserve - TimeSpan.FromSeconds(1));
        var taken = rig.Take(1, Url())!;
        Assert.That(rig.Files(), Has.Length.EqualTo(2));
        rig.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.That(rig.Files(), Is.EqualTo(new[] { taken[0].Path }));
        Assert.That(rig.Take(2, Url("b")), Is.Null);
        taken[0].Dispose();
        Assert.That(rig.Files(), Is.Empty);
    }

    [Test]
    public async Task ManyContents_MoreThanTheCacheHolds_AreEachFetchedOnce()
    {
        // Whatever is fetched stays for the mail that waited for it, however small the cache.
        await using var rig = new FetchRig(new() { CacheBytes = 0 });
        for (var id = 1; id <= 500; id++) rig.Fetch(id, Url($"{id}"));
        await rig.ReturnedAsync(500);
        for (var id = 1; id <= 500; id++) rig.Take(id, Url($"{id}"))![0].Dispose();

        Assert.That(rig.Source.Opened, Is.EqualTo(500));
        Assert.That(rig.Files(), Is.Empty);
    }

    [Test]
    public async Task ManyContents_MoreThanTheBudget_WaitForThoseBeforeThem()
    {
        await using var rig = new FetchRig(new() { FetchBytes = 4 * 2048, MaxAttachmentBytes = 1024, CacheBytes = 0 });
        rig.Source.Answer = (_, _) => Task.FromResult(ScriptedSource.Of(new byte[1024], 1024));
        for (var id = 1; id <= 10; id++) rig.Fetch(id, Url($"{id}", size: 1024));

        var first = await rig.ReturnedAsync(2);
        Assert.That(rig.Source.Opened, Is.EqualTo(2), "a quarter of the budget");
        for (var i = 0; i < 10; i++)
        {
            var id = (await rig.ReturnedAsync(i + 1))[i];
            rig.Take(id, Url($"{id}", size: 1024))![0].Dispose();
        }

        Assert.That(rig.Source.Opened, Is.EqualTo(10));
        Assert.That(first, Is.Not.Empty);
    }

    [Test]
    public async Task MailsOfTwoParts_OnABudgetForOne_AllComeThrough()
    {
        // The first parts hold all the room while the second ones wait: then there is room for one all the same.
        await using var rig = new FetchRig(new() { FetchBytes = 4096, MaxAttachmentBytes = 1024, CacheBytes = 0 });
        rig.Source.Answer = (wanted, _) => Task.FromResult(ScriptedSource.Of(wanted.Place.ToString()!.PadRight(1024), 1024));
        for (var id = 1; id <= 20; id++) rig.Fetch(id, Url($"{id}a", "one.example"), Url($"{id}b", "two.example", index: 1));

        for (var i = 0; i < 20; i++)
        {
            var id = (await rig.ReturnedAsync(i + 1))[i];
            foreach (var file in rig.Take(id, Url($"{id}a", "one.example"), Url($"{id}b", "two.example", index: 1))!) file.Dispose();
        }
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
