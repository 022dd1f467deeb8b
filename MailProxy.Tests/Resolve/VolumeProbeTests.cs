using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

public sealed class VolumeProbeTests
{
    private SourceBench _bench = null!;
    private VolumeProbe _probe = null!;

    [SetUp]
    public void Begin()
    {
        _bench = new();
        _probe = new(_bench.Dialer, _bench.Options, _bench.Clock);
    }

    [TearDown]
    public void End()
    {
        _probe.Dispose();
        _bench.Dispose();
    }

    private Task<VolumeTest> TestAsync(VolumeConfig config, string? path = null, bool adminSet = true) =>
        _probe
            .TestAsync(
                new()
                {
                    Tenant = "default",
                    Id = "vol",
                    AdminSet = adminSet,
                    Config = config,
                },
                path,
                default
            )
            .WaitAsync(SourceBench.Deadline);

    [Test]
    public async Task Test_Local_CountsAndReads()
    {
        using var directory = new TempDirectory();
        Directory.CreateDirectory(Path.Combine(directory, "sub"));
        File.WriteAllText(Path.Combine(directory, "sub", "a"), "12345");
        File.WriteAllText(Path.Combine(directory, "b"), "");
        var config = new VolumeConfig.Local(directory);

        var (whole, one, none, bad, notOurs) = (
            await TestAsync(config),
            await TestAsync(config, "sub/a"),
            await TestAsync(config, "c"),
            await TestAsync(config, "../x"),
            await TestAsync(config, null, adminSet: false)
        );

        Assert.Multiple(() =>
        {
            Assert.That((whole.Ok, whole.Objects, whole.More), Is.EqualTo((true, (long?)2, false)));
            Assert.That((one.Ok, one.Size), Is.EqualTo((true, (long?)5)));
            Assert.That((none.Ok, none.Code), Is.EqualTo((false, "gone")));
            Assert.That((bad.Ok, bad.Code), Is.EqualTo((false, "invalid_path")));
            Assert.That((notOurs.Ok, notOurs.Code), Is.EqualTo((false, "refused")));
        });
    }

    [TestCase("a file")]
    [TestCase("")]
    public async Task Test_S3_WhatAnswersIsNoStore_IsToldAndNotThrown(string answer)
    {
        await using var web = await LoopbackFiles.StartAsync();
        web.Answer = context => context.Response.WriteAsync(answer);
        var test = await TestAsync(
            new VolumeConfig.S3("files", null, null, new($"http://store.files.example:{web.Port}"), true, "a", "b", true)
        );
        Assert.That((test.Ok, test.Code), Is.EqualTo((false, "down")), test.Error);
        Assert.That(test.Error, Does.Contain("vol"));
    }

    [Test]
    public async Task Test_S3_CountsAndReads()
    {
        await using var s3 = await S3Server.StartAsync("files");
        await s3.PutAsync("files", "in/a", new byte[100_000]);
        await s3.PutAsync("files", "in/b", new byte[1]);
        await s3.PutAsync("files", "inside", new byte[1]);
        VolumeConfig.S3 Of(string bucket) => new(bucket, "in", null, s3.Endpoint, true, S3Server.AccessKey, S3Server.SecretKey, true);

        var (whole, one, none, noBucket) = (
            await TestAsync(Of("files")),
            await TestAsync(Of("files"), "a"),
            await TestAsync(Of("files"), "c"),
            await TestAsync(Of("nobodys"))
        );

        Assert.Multiple(() =>
        {
            Assert.That((whole.Ok, whole.Status, whole.Objects, whole.More), Is.EqualTo((true, (int?)200, (long?)2, false)));
            Assert.That((one.Ok, one.Size), Is.EqualTo((true, (long?)100_000)));
            Assert.That((none.Ok, none.Status), Is.EqualTo((false, (int?)404)));
            Assert.That((noBucket.Ok, noBucket.Status, noBucket.Code), Is.EqualTo((false, (int?)404, "NoSuchBucket")));
        });
    }

    [TestCase(200, true, null)]
    [TestCase(401, false, "refused")]
    [TestCase(403, false, "refused")]
    [TestCase(404, false, "gone")]
    [TestCase(503, false, "down")]
    public async Task Test_Http_SaysWhatItAnswered(int status, bool ok, string? code)
    {
        await using var server = await LoopbackFiles.StartAsync();
        server.Answer = context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        };

        var seen = await TestAsync(
            new VolumeConfig.Http(new($"http://files.example:{server.Port}/dav/"), new SourceAuth.Basic("ann", "geheim"))
        );

        Assert.That((seen.Ok, seen.Status, seen.Code), Is.EqualTo((ok, (int?)status, code)));
        Assert.That(seen.Error ?? "", Does.Not.Contain("geheim"));
    }

    [Test]
    public async Task Test_HttpFileOfUnknownLength_IsRead()
    {
        await using var server = await LoopbackFiles.StartAsync();
        server.Answer = async context =>
        {
            await context.Response.WriteAsync("12");
            await context.Response.Body.FlushAsync();
            await context.Response.WriteAsync("345");
        };

        var seen = await TestAsync(new VolumeConfig.Http(new($"http://files.example:{server.Port}/dav/"), null), "a/b");

        Assert.That((seen.Ok, seen.Size, server.Requests.Single().Target), Is.EqualTo((true, (long?)5, "/dav/a/b")));
    }

    [Test]
    public async Task Test_Inside_IsRefused()
    {
        var seen = await TestAsync(new VolumeConfig.Http(new("http://inside.example/"), null));

        Assert.That((seen.Ok, seen.Code, seen.Status), Is.EqualTo((false, "refused", (int?)null)));
    }
}
