using System.Security.Cryptography;
using Amazon.S3.Model;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>Against a real S3-compatible server process.</summary>
public sealed class S3SourceTests
{
    private S3Server _s3 = null!;
    private SourceBench _bench = null!;

    [OneTimeSetUp]
    public async Task StartServerAsync() => _s3 = await S3Server.StartAsync("files");

    [OneTimeTearDown]
    public ValueTask StopServerAsync() => _s3.DisposeAsync();

    [SetUp]
    public void Begin()
    {
        _bench = new(new() { MaxAttachmentBytes = 20_000_000 });
        _bench.Set("s3", Config());
    }

    [TearDown]
    public void End() => _bench.Dispose();

    private VolumeConfig.S3 Config(string bucket = "files", string? prefix = null, Uri? endpoint = null, bool chunked = true) =>
        new(bucket, prefix, S3Server.Region, endpoint ?? _s3.Endpoint, true, S3Server.AccessKey, S3Server.SecretKey, chunked);

    [TestCase("a.txt", null)]
    [TestCase("2030/a b%+ü#?&.pdf", null)]
    [TestCase("a.txt", "one/two")]
    public async Task Open_Object_ComesWithItsLength(string path, string? prefix)
    {
        var content = RandomNumberGenerator.GetBytes(70_000);
        var config = Config(prefix: prefix);
        _bench.Set("s3", config);
        await _s3.PutAsync("files", config.KeyOf(path), content);

        await using var opened = await _bench.OpenAsync("s3:" + path);

        Assert.That(opened.Length, Is.EqualTo(70_000));
        Assert.That(await SourceBench.AllAsync(opened), Is.EqualTo(content));
    }

    [Test]
    public async Task Open_LargeObject_IsNotInMemory()
    {
        const int size = 10_000_000;
        await _s3.PutAsync("files", "large", new byte[size]);
        await _bench.ReadAsync("s3:large");

        var before = GC.GetTotalAllocatedBytes(precise: true);
        await using (var opened = await _bench.OpenAsync("s3:large"))
        {
            await opened.Content.CopyToAsync(Stream.Null).WaitAsync(SourceBench.Deadline);
        }

        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(size / 4));
    }

    [Test]
    public async Task Open_NoSuchObject_IsGone() => Assert.That((await _bench.TryAsync("s3:nothing"))?.Fault, Is.EqualTo(SourceFault.Gone));

    [Test]
    public async Task Open_NoSuchBucket_IsGone()
    {
        _bench.Set("s3", Config("nobodys"));

        Assert.That((await _bench.TryAsync("s3:a"))?.AnsweredCode, Is.EqualTo("NoSuchBucket"));
    }

    [Test]
    public async Task Open_VolumeChanged_TheNewOneIsAskedAtOnce()
    {
        await _s3.PutAsync("files", "one/a", "1"u8.ToArray());
        await _s3.PutAsync("files", "two/a", "2"u8.ToArray());
        _bench.Set("s3", Config(prefix: "one"));
        var first = await _bench.ReadAsync("s3:a");
        _bench.Set("s3", Config(prefix: "two"));

        Assert.That((first, await _bench.ReadAsync("s3:a")), Is.EqualTo(("1"u8.ToArray(), "2"u8.ToArray())));
    }

    [Test]
    public async Task Open_NothingListens_IsDown()
    {
        _bench.Set("s3", Config(endpoint: new($"http://127.0.0.1:{FreePort.Take()}")));

        Assert.That((await _bench.TryAsync("s3:a"))?.Fault, Is.EqualTo(SourceFault.Down));
    }

    [TestCase(403, nameof(SourceFault.Refused))]
    [TestCase(404, nameof(SourceFault.Gone))]
    [TestCase(500, nameof(SourceFault.Down))]
    [TestCase(503, nameof(SourceFault.Down))]
    public async Task Open_StoreThatAnswersOtherwise_IsAskedOnce(int status, string fault)
    {
        await using var store = await LoopbackFiles.StartAsync();
        store.Answer = context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync("<Error><Code>Geheim</Code></Error>");
        };
        _bench.Set("s3", Config(endpoint: new($"http://store.files.example:{store.Port}")));

        var told = await _bench.TryAsync("s3:a");

        Assert.That((told?.Fault.ToString(), store.Requests.Count), Is.EqualTo((fault, 1)));
    }

    [TestCase(301)]
    [TestCase(302)]
    [TestCase(307)]
    [TestCase(308)]
    public async Task Open_StoreThatRedirects_IsNotFollowed(int status)
    {
        await using var store = await LoopbackFiles.StartAsync();
        await using var other = await LoopbackFiles.StartAsync();
        store.Redirect("/files/a", $"http://other.files.example:{other.Port}/files/a", status);
        _bench.Set("s3", Config(endpoint: new($"http://store.files.example:{store.Port}")));

        var fault = await _bench.TryAsync("s3:a");

        Assert.That((fault?.Fault, other.Requests.Count), Is.EqualTo(((SourceFault?)SourceFault.Down, 0)));
    }

    [Test]
    public async Task Open_DeclaredTooLarge_IsRefused()
    {
        using var bench = new SourceBench(new() { MaxAttachmentBytes = 1_024 });
        bench.Set("s3", Config());
        await _s3.PutAsync("files", "large", new byte[1_025]);

        Assert.That((await bench.TryAsync("s3:large"))?.Status, Is.EqualTo("5.3.4"));
    }

    [Test]
    public async Task Open_KeylessVolumeOfATenant_DoesNotUseTheMachinesCredentials()
    {
        _bench.Set("s3", Config() with { AccessKey = null, SecretKey = null }, adminSet: false);

        Assert.That((await _bench.TryAsync("s3:a"))?.Fault, Is.EqualTo(SourceFault.Refused));
    }

    [Test]
    public async Task Open_KeylessVolumeOfTheAdmin_UsesTheDefaultChain()
    {
        await using var store = await LoopbackFiles.StartAsync();
        _bench.Set("s3", Config(endpoint: new($"http://store.files.example:{store.Port}")) with { AccessKey = null, SecretKey = null });
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "AKFROMENV");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "x");
        try
        {
            await _bench.ReadAsync("s3:a");
        }
        finally
        {
            Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", null);
            Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", null);
        }

        Assert.That(store.Requests.Single().Headers["Authorization"], Does.Contain("AKFROMENV"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Clients_Upload_ChunkedOnlyWhenTheVolumeSaysSo(bool chunked)
    {
        await using var store = await LoopbackFiles.StartAsync();
        var config = Config(endpoint: new($"http://store.files.example:{store.Port}"), chunked: chunked);
        _bench.Set("s3", config);

        await _bench
            .Sources.S3.Of(_bench.Volumes.Directory.All.Single(), config)
            .PutObjectAsync(
                new PutObjectRequest
                {
                    BucketName = "files",
                    Key = "a",
                    InputStream = new MemoryStream("content"u8.ToArray()),
                    UseChunkEncoding = chunked,
                }
            );

        var headers = store.Requests.Single().Headers;
        Assert.That(
            headers.GetValueOrDefault("x-amz-content-sha256")?.StartsWith("STREAMING-", StringComparison.Ordinal),
            Is.EqualTo(chunked)
        );
    }
}
