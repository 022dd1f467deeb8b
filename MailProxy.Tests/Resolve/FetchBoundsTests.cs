using MailProxy.Pipeline.Resolve;
using NUnit.Framework;
using static MailProxy.Tests.Resolve.FetchRig;

namespace MailProxy.Tests.Resolve;

/// <summary>What the fetcher does when there is too much of something.</summary>
internal sealed class FetchBoundsTests
{
    [Test]
    public async Task SetAside_BeyondTheBound_IsRefused()
    {
        await using var rig = new FetchRig(new() { SetAside = 2 });
        rig.Source.Answer = ScriptedSource.Silent;

        Assert.That(Enumerable.Range(1, 3).Select(id => rig.Fetch(id, Url($"{id}"))), Is.EqualTo(new[] { true, true, false }));
        Assert.That((rig.Fetcher.Aside, rig.Metrics.MailsAside.Value), Is.EqualTo((2, 2d)));
    }

    [Test]
    public async Task SlowHost_LeavesItsNeighboursTheirTurn()
    {
        await using var rig = new FetchRig(new() { Fetches = 4, FetchesPerHost = 4 });
        rig.Source.Answer = (wanted, cancel) =>
            wanted.Place.ToString()!.Contains("slow", StringComparison.Ordinal)
                ? ScriptedSource.Silent(wanted, cancel)
                : Task.FromResult(ScriptedSource.Of("x"));
        for (var id = 1; id <= 50; id++)
            rig.Fetch(id, Url($"{id}", "slow.example"));
        for (var id = 51; id <= 100; id++)
            rig.Fetch(id, Url($"{id}", "quick.example"));

        Assert.That(await rig.ReturnedAsync(50), Is.EquivalentTo(Enumerable.Range(51, 50)));
        Assert.That(rig.Source.ByPlace.Keys.Count(place => place.Contains("slow", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task Host_FailingAgainAndAgain_IsLeftAloneForAWhile()
    {
        await using var rig = new FetchRig(new() { FetchesPerHost = 1 });
        rig.Source.Answer = (_, _) => throw new SourceException(SourceFault.Down, "down");
        for (var id = 1; id <= 20; id++)
            rig.Fetch(id, Url($"{id}"));
        for (var id = 1; id <= 20; id++)
            Assert.That((await rig.FailedAsync()).Trouble.Status, Is.Null);
        Assert.That(rig.Source.Opened, Is.EqualTo(2 * HostWatch.FailuresBeforePause));

        rig.Fetcher.TryFetch(Ticket(30), "other", rig.Now, [Url("30")]);
        await rig.FailedAsync();
        Assert.That(rig.Source.Opened, Is.EqualTo((2 * HostWatch.FailuresBeforePause) + 2), "another tenant asks for himself");

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

        rig.Clock.Advance(AttachmentFetcher.Reserve - TimeSpan.FromSeconds(1));
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
        for (var id = 1; id <= 500; id++)
            rig.Fetch(id, Url($"{id}"));
        await rig.ReturnedAsync(500);
        for (var id = 1; id <= 500; id++)
            rig.Take(id, Url($"{id}"))![0].Dispose();

        Assert.That(rig.Source.Opened, Is.EqualTo(500));
        Assert.That(rig.Files(), Is.Empty);
    }

    [Test]
    public async Task ManyContents_MoreThanTheBudget_WaitForThoseBeforeThem()
    {
        await using var rig = new FetchRig(
            new()
            {
                FetchBytes = 4 * 2048,
                MaxAttachmentBytes = 1024,
                CacheBytes = 0,
            }
        );
        rig.Source.Answer = (_, _) => Task.FromResult(ScriptedSource.Of(new byte[1024], 1024));
        for (var id = 1; id <= 10; id++)
            rig.Fetch(id, Url($"{id}", size: 1024));

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
        // The first parts hold all the capacity while the second ones wait: then there is capacity for one all the same.
        await using var rig = new FetchRig(
            new()
            {
                FetchBytes = 4096,
                MaxAttachmentBytes = 1024,
                CacheBytes = 0,
            }
        );
        rig.Source.Answer = (wanted, _) => Task.FromResult(ScriptedSource.Of(wanted.Place.ToString()!.PadRight(1024), 1024));
        for (var id = 1; id <= 20; id++)
            rig.Fetch(id, Url($"{id}a", "one.example"), Url($"{id}b", "two.example", index: 1));

        for (var i = 0; i < 20; i++)
        {
            var id = (await rig.ReturnedAsync(i + 1))[i];
            foreach (var file in rig.Take(id, Url($"{id}a", "one.example"), Url($"{id}b", "two.example", index: 1))!)
                file.Dispose();
        }
    }
}
