using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AttachmentCacheTests
{
    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly PipelineMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());
    private readonly List<AttachmentCache> _caches = [];

    [TearDown]
    public void TearDown()
    {
        foreach (var cache in _caches)
            cache.Dispose();
        _directory.Dispose();
    }

    [Test]
    public void Keep_Content_IsFoundByItsHashesOnly()
    {
        var cache = Open();
        Keep(cache, "hello").Dispose();

        Assert.That(File.ReadAllText(cache.Find("default", Claim("hello"))!.Path), Is.EqualTo("hello"));
        Assert.That(cache.Find("default", Md5Claim("hello")), Is.Not.Null);
        Assert.That(cache.Find("default", Claim("other")), Is.Null);
        Assert.That(cache.Find("default", Claim("hello") with { Md5 = new byte[16] }), Is.Null);
        Assert.That(cache.Find("other", Claim("hello")), Is.Null);
    }

    [Test]
    public void Keep_TheSameTwice_IsOneFile()
    {
        var cache = Open();
        var first = Keep(cache, "hello");
        var second = Keep(cache, "hello");

        Assert.That((second.Path, cache.Bytes), Is.EqualTo((first.Path, 5L)));
        Assert.That(Files(), Is.EqualTo(new[] { first.Path }));
    }

    [Test]
    public void Let_OfATenantThatKeepsNothing_GoesWithItsLastHolder()
    {
        var cache = Open();
        var first = Keep(cache, "hello", "forgetful");
        var second = cache.Find("forgetful", Claim("hello"))!;
        first.Dispose();
        Assert.That(Files(), Is.EqualTo(new[] { second.Path }));

        second.Dispose();
        Assert.That((Files().Length, cache.Bytes), Is.EqualTo((0, 0L)));
    }

    [Test]
    public void Keep_OfTwoTenants_AreTwoFiles()
    {
        var cache = Open();
        Keep(cache, "hello").Dispose();
        Keep(cache, "hello", "other").Dispose();

        Assert.That(Files(), Has.Length.EqualTo(2));
    }

    [Test]
    public void Forget_ADeletedTenant_ItsSuccessorFindsNothingByTheHashAndOthersKeepTheirs()
    {
        var cache = Open();
        Keep(cache, "hello").Dispose();
        Keep(cache, "hello", "acme").Dispose();

        cache.Forget("acme");

        Assert.That(cache.Find("acme", Claim("hello")), Is.Null);
        Assert.That((Files().Length, cache.Bytes), Is.EqualTo((1, 5L)));
        cache.Find("default", Claim("hello"))!.Dispose();
    }

    [Test]
    public void Trim_OverCapacity_RemovesTheLeastRecentlyUsed()
    {
        var cache = Open(new() { CacheBytes = 10 });
        Keep(cache, "aaaaa").Dispose();
        Keep(cache, "bbbbb").Dispose();
        cache.Find("default", Claim("aaaaa"))!.Dispose();
        Keep(cache, "ccccc").Dispose();

        Assert.That(Here(cache, "aaaaa", "bbbbb", "ccccc"), Is.EqualTo(new[] { true, false, true }));
        Assert.That((cache.Bytes, _metrics.CacheEvictions.Value, _metrics.CacheBytes.Value, Files().Length), Is.EqualTo((10L, 1d, 10d, 2)));
    }

    [Test]
    public void Trim_ForCapacity_TakesFromTheTenantThatHasMost()
    {
        var cache = Open(new() { CacheBytes = 20 });
        Keep(cache, "aaaaa", "victim").Dispose();
        for (var i = 0; i < 9; i++)
            Keep(cache, $"bbbb{i}", "mallory").Dispose();

        Assert.That(cache.Find("victim", Claim("aaaaa")), Is.Not.Null, "though it was there first");
        Assert.That(Enumerable.Range(0, 9).Count(i => cache.Find("mallory", Claim($"bbbb{i}")) is not null), Is.EqualTo(3));
        Assert.That(Enumerable.Range(6, 3).All(i => cache.Find("mallory", Claim($"bbbb{i}")) is not null), "its last");
    }

    [Test]
    public void Trim_WhatIsHeld_StaysUntilItIsLet()
    {
        var cache = Open(new() { CacheBytes = 0 });
        var first = Keep(cache, "aaaaa");
        var again = cache.Find("default", Claim("aaaaa"))!;
        first.Dispose();
        first.Dispose();
        Keep(cache, "bbbbb").Dispose();
        Assert.That(File.ReadAllText(again.Path), Is.EqualTo("aaaaa"));

        again.Dispose();

        Assert.That(Files(), Is.Empty);
    }

    [Test]
    public void Age_Unused_IsRemovedWithoutBeingAsked()
    {
        var cache = Open(new() { CacheAge = TimeSpan.FromHours(1) });
        Keep(cache, "old").Dispose();
        _clock.Advance(TimeSpan.FromMinutes(30));
        Keep(cache, "young").Dispose();
        var held = Keep(cache, "held");

        _clock.Advance(TimeSpan.FromMinutes(30));
        Assert.That(Here(cache, "old", "held"), Is.EqualTo(new[] { false, true }));
        Assert.That(Files(), Has.Length.EqualTo(2));

        _clock.Advance(TimeSpan.FromHours(2));
        Assert.That(File.Exists(held.Path), Is.True);
    }

    [Test]
    public async Task Restart_WhatIsSound_IsVerifiedAtItsFirstUse()
    {
        Keep(Open(), "hello").Dispose();
        var cache = Open();

        Assert.That(cache.Find("default", Claim("hello")), Is.Null, "not before it is verified");
        Assert.That(cache.IsUnverified("default", Claim("hello")), Is.True);
        Assert.That(File.ReadAllText((await cache.VerifyAsync("default", Claim("hello"), default))!.Path), Is.EqualTo("hello"));
        Assert.That(cache.Find("default", Claim("hello")), Is.Not.Null);
        Assert.That(cache.IsUnverified("default", Claim("hello")), Is.False);
    }

    [TestCase("truncated")]
    [TestCase("flipped")]
    [TestCase("gone")]
    public async Task Restart_Damaged_IsNeverGivenAndGoes(string how)
    {
        var content = Keep(Open(), "hello");
        content.Dispose();
        if (how == "truncated")
            File.WriteAllText(content.Path, "hell");
        if (how == "flipped")
            File.WriteAllText(content.Path, "hallo");
        var cache = Open();
        if (how == "gone")
            File.Delete(content.Path);

        Assert.That(await cache.VerifyAsync("default", Claim("hello"), default), Is.Null);
        Assert.That((cache.Bytes, Files().Length), Is.EqualTo((0L, 0)));
        Assert.That(Keep(cache, "hello"), Is.Not.Null);
        Assert.That(cache.Find("default", Claim("hello")), Is.Not.Null);
    }

    [Test]
    public void Restart_FetchedAnew_ReplacesWhatWasNotVerified()
    {
        var content = Keep(Open(), "hello");
        File.WriteAllText(content.Path, "hallo");
        var cache = Open();
        Keep(cache, "hello").Dispose();

        Assert.That(File.ReadAllText(cache.Find("default", Claim("hello"))!.Path), Is.EqualTo("hello"));
        Assert.That(cache.Bytes, Is.EqualTo(5));
    }

    [Test]
    public void Restart_PartsAndStrangers_AreSwept()
    {
        var cache = Open();
        var kept = Keep(cache, "hello").Path;
        File.WriteAllText(cache.NewPart(), "half");
        File.WriteAllText(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(kept)!, "stranger"), "x");

        Open();

        Assert.That(Files(), Is.EqualTo(new[] { kept }));
    }

    [Test]
    public void Restart_MoreThanTheCapacity_IsTrimmed()
    {
        var cache = Open();
        Keep(cache, "aaaaa").Dispose();
        Keep(cache, "bbbbb").Dispose();

        Assert.That(Open(new() { CacheBytes = 5 }).Bytes, Is.EqualTo(5));
        Assert.That(Files(), Has.Length.EqualTo(1));
    }

    [Test]
    public void Find_WhatSomebodyRemoved_IsAMiss()
    {
        var cache = Open();
        var content = Keep(cache, "hello");
        content.Dispose();
        File.Delete(content.Path);

        Assert.That(cache.Find("default", Claim("hello")), Is.Null);
        Assert.That(cache.Bytes, Is.Zero);
    }

    [Test]
    public void Keep_ForANameThatIsNoTenant_Throws()
    {
        var cache = Open();
        Assert.That(() => Keep(cache, "x", "../other"), Throws.ArgumentException);
    }

    [Test]
    public void Directories_AreTheOwnersOnly()
    {
        if (OperatingSystem.IsWindows())
            return;
        var path = Keep(Open(), "hello").Path;

        Assert.That(
            File.GetUnixFileMode(System.IO.Path.GetDirectoryName(path)!),
            Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute)
        );
    }

    private AttachmentCache Open(ResolveOptions? options = null)
    {
        var cache = new AttachmentCache(
            System.IO.Path.Combine(_directory, "cache"),
            tenant => tenant != "forgetful",
            options ?? new(),
            _metrics,
            _clock,
            NullLogger.Instance
        );
        cache.Open();
        _caches.Add(cache);
        return cache;
    }

    private static LocalContent Keep(AttachmentCache cache, string text, string tenant = "default")
    {
        var part = cache.NewPart();
        File.WriteAllText(part, text);
        using var hasher = new ContentHasher();
        hasher.Append(Encoding.UTF8.GetBytes(text));
        return cache.Keep(tenant, part, hasher.Take(), text.Length);
    }

    private string[] Files() => Directory.GetFiles(_directory, "*", SearchOption.AllDirectories);

    private static bool[] Here(AttachmentCache cache, params string[] texts) =>
        [
            .. texts.Select(text =>
            {
                using var found = cache.Find("default", Claim(text));
                return found is not null;
            }),
        ];

    private static AttachmentRef Claim(string text) => FetchRig.Url(sha256: FetchRig.Sha(text));

    private static AttachmentRef Md5Claim(string text) =>
        FetchRig.Url(md5: System.Security.Cryptography.MD5.HashData(Encoding.UTF8.GetBytes(text)));
}
