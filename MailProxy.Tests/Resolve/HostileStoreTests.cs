using System.Globalization;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>
/// Stores and sources that answer what nobody foresaw: numbers and dates that make no sense, and more than anybody can hold. Each is told
/// as the source's fault.
/// </summary>
public sealed class HostileStoreTests
{
    private const string Block = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    // Heads of an answer to GET object and to a list; the body is "abc" or an empty list.
    private static readonly string[] Nonsense =
    [
        "Content-Length: 99999999999999999999999",
        "Content-Length: -1",
        "Content-Length: abc",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 1e3",
        "Content-Length: 9223372036854775807",
        "Last-Modified: yesterday",
        "Last-Modified: Mon, 99 Foo 99999 99:99:99 GMT",
        "Last-Modified: ",
        "Expires: -1",
        "Expires: 99999999999999999",
        "ETag: ",
        "ETag: \"\"\"",
        "Date: 0",
        "Date: \u00ff\u00fe",
        "x-amz-meta-a: \u00ff",
        "x-amz-mp-parts-count: many",
        "x-amz-mp-parts-count: 99999999999999",
        "x-amz-missing-meta: -9999999999999999",
        "x-amz-tagging-count: x",
        "x-amz-delete-marker: perhaps",
        "x-amz-expiration: expiry-date=\"nonsense\", rule-id=\"x\"",
        "x-amz-restore: ongoing-request=\"maybe\", expiry-date=\"never\"",
        "x-amz-object-lock-retain-until-date: soon",
        "x-amz-storage-class: \u00e4",
        "x-amz-replication-status: ?",
        "x-amz-server-side-encryption-bucket-key-enabled: 2",
        "x-amz-checksum-crc32: ====",
        "x-amz-request-charged: no",
        "Accept-Ranges: \u0001",
        "Content-Range: bytes 5-1/0",
        "Content-Type: \u00ff/\u00ff",
        "Retry-After: 99999999999999999999",
        "Retry-After: -1",
        "Transfer-Encoding: gzip",
        "Content-Encoding: gzip",
    ];

    private static readonly string[] Bodies =
    [
        "",
        "<",
        "abc",
        "<a/>",
        "<?xml version=\"1.0\"?>",
        "<ListBucketResult><IsTruncated>perhaps</IsTruncated></ListBucketResult>",
        "<ListBucketResult><KeyCount>99999999999999999999</KeyCount></ListBucketResult>",
        "<ListBucketResult><MaxKeys>x</MaxKeys></ListBucketResult>",
        "<ListBucketResult><Contents><Size>-1</Size><Key>k</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Size>1e99</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><LastModified>gestern</LastModified></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><LastModified>9999999-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><StorageClass>\u00e4</StorageClass></Contents></ListBucketResult>",
        "<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d "
            + "\"&c;&c;&c;&c;&c;&c;&c;&c;\">]><ListBucketResult><Name>&d;</Name></ListBucketResult>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><ListBucketResult><Name>&x;</Name></ListBucketResult>",
        "{\"json\":true}",
        "\0\0\0",
        "<Error><Code>NoSuchKey</Code></Error>",
    ];

    [TestCaseSource(nameof(Nonsense))]
    public async Task HeadersWithoutSense_AreTheSourcesFaultOrNone(string header)
    {
        await using var server = new ScriptedHttpServer($"HTTP/1.1 200 OK\r\nConnection: close\r\n{header}\r\n\r\nabc");
        using var bench = Bench(server);

        await ContentOrFaultAsync(bench, "s3:a");
        await ContentOrFaultAsync(bench, "web:a");
        await ContentOrFaultAsync(bench, $"http://files.example:{server.Port}/a");
        await TestedAsync(bench, server);
    }

    [TestCaseSource(nameof(Bodies))]
    public async Task BodiesWithoutSense_AreTheStoresFaultOrNone(string body)
    {
        foreach (
            var status in new[]
            {
                "200 OK",
                "404 Not Found",
                "403 Forbidden",
                "500 Oh",
                "301 Moved",
                "204 No Content",
                "206 Partial Content",
                "999 What",
            }
        )
        {
            await using var server = new ScriptedHttpServer($"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}");
            using var bench = Bench(server);

            await ContentOrFaultAsync(bench, "s3:a");
            await TestedAsync(bench, server);
        }
    }

    [TestCase("403 Forbidden", "<Error><Message>")]
    [TestCase("404 Not Found", "<Error><Code>")]
    [TestCase("500 Oh", "")]
    [TestCase("301 Moved", "<Error><Endpoint>")]
    [TestCase("200 OK", "<ListBucketResult><Contents><Key>")]
    [TestCase("200 OK", "<ListBucketResult><Name>")]
    public async Task AnswerWithoutEnd_IsCutOff(string status, string begins)
    {
        long sent = 0;
        await using var server = new ScriptedHttpServer(
            ScriptedHttpServer.Endless(
                $"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{begins}",
                string.Concat(Enumerable.Repeat(Block, 256)),
                total => sent = total
            )
        );
        using var bench = Bench(server);

        await TestedAsync(bench, server, store: true);

        Assert.That(sent, Is.LessThan(32_000_000), "what the kernel holds counts too, but nobody reads on");
    }

    [Test]
    public async Task HeadersWithoutEnd_AreCutOff()
    {
        long sent = 0;
        await using var server = new ScriptedHttpServer(
            ScriptedHttpServer.Endless("HTTP/1.1 200 OK\r\n", "X-A: " + Block + "\r\n", total => sent = total)
        );
        using var bench = Bench(server);

        Assert.That(
            (await bench.TryAsync($"http://files.example:{server.Port}/a"))?.Message,
            Does.Contain("the answer's headers are too large")
        );
        await TestedAsync(bench, server);
        Assert.That(sent, Is.LessThan(32_000_000));
    }

    [TestCase("HTTP/1.1 301 Moved\r\nLocation: http://\u00fc\u00fc:99999/\r\n\r\n")]
    [TestCase("HTTP/1.1 302 Found\r\nLocation: http://xn--\u00cd\u00b8/\r\n\r\n")]
    [TestCase("HTTP/1.1 302 Found\r\nLocation: http://[::1%25eth0]/\r\n\r\n")]
    [TestCase("HTTP/1.1 302 Found\r\nLocation: //\r\n\r\n")]
    [TestCase("HTTP/1.1 302 Found\r\nLocation: \u0001\r\n\r\n")]
    [TestCase("HTTP/1.1 302 Found\r\n\r\n")]
    [TestCase("HTTP/1.1 200\r\n\r\n")]
    [TestCase("HTTP/9.9 200 OK\r\n\r\n")]
    [TestCase("SSH-2.0-OpenSSH_9\r\n")]
    [TestCase("220 mail.example ESMTP\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nabc")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer")]
    [TestCase("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")]
    [TestCase("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")]
    [TestCase("")]
    public async Task NoHttp_IsTheSourcesFault(string answer)
    {
        await using var server = new ScriptedHttpServer(answer);
        using var bench = Bench(server);

        await ContentOrFaultAsync(bench, $"http://files.example:{server.Port}/a");
        await ContentOrFaultAsync(bench, "web:a");
        await ContentOrFaultAsync(bench, "s3:a");
        await TestedAsync(bench, server);
    }

    [Test]
    public async Task VolumesThatAnEarlierVersionTook_AreToldAndNothingElse([Values("s3", "web")] string volume)
    {
        string[] stored =
        [
            "http://xn--\u0378/",
            "http://" + string.Join('.', Enumerable.Repeat(new string('ü', 20), 12)) + "/",
            "http://a.example:0/",
            "http://[::1%25eth0]/",
            "http://a/%zz",
        ];
        foreach (var text in stored)
        {
            using var bench = new SourceBench();
            var address = new Uri(text);
            VolumeConfig config =
                volume == "s3"
                    ? new VolumeConfig.S3("files", null, "eu-x", address, false, "key", "secret", true)
                    : new VolumeConfig.Http(address, new SourceAuth.Header("Expires", "x"));
            bench.Set(volume, config);

            Assert.That(await bench.TryAsync(volume + ":a"), Is.Not.Null, text);
            using var probe = new VolumeProbe(bench.Dialer, bench.Options, bench.Clock);
            Assert.That((await probe.TestAsync(bench.Volumes.Directory.All.Single(), null, CancellationToken.None)).Ok, Is.False, text);
        }
    }

    [TestCase("s3")]
    [TestCase("web")]
    public async Task Volume_InTrouble_SaysWhy_UntilItWorksOrIsChanged(string id)
    {
        await using var server = new ScriptedHttpServer("HTTP/1.1 503 Slow\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        using var bench = Bench(server);
        Volume Volume() => bench.Volumes.Directory.All.Single(volume => volume.Id == id);
        await bench.TryAsync(id + ":secret-name");
        Assert.That(bench.Volumes.TroubleOf(Volume())?.Error, Does.Contain("503").And.Not.Contain("secret-name"));

        server.Script = (_, stream, cancel) =>
            stream.WriteAsync("HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), cancel).AsTask();
        await bench.TryAsync(id + ":other");
        Assert.That(bench.Volumes.TroubleOf(Volume()), Is.Not.Null, "that a file is not there says nothing of the volume");

        server.Script = (_, stream, cancel) =>
            stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"u8.ToArray(), cancel).AsTask();
        await bench.ReadAsync(id + ":other");
        Assert.That(bench.Volumes.TroubleOf(Volume()), Is.Null);
    }

    [Test]
    public async Task VolumeTest_OfASourceThatDrips_EndsAllTheSame()
    {
        var dripping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new ScriptedHttpServer(
            async (_, stream, cancel) =>
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx"u8.ToArray(), cancel);
                dripping.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancel);
            }
        );
        using var bench = Bench(server);
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        using var probe = new VolumeProbe(bench.Dialer, bench.Options, clock);
        var testing = probe.TestAsync(bench.Volumes.Directory.All.Single(volume => volume.Id == "web"), "a", CancellationToken.None);
        await dripping.Task.WaitAsync(SourceBench.Deadline);

        clock.Advance(bench.Options.FirstByteTimeout);

        Assert.That((await testing.WaitAsync(SourceBench.Deadline)).Code, Is.EqualTo("down"));
    }

    private static SourceBench Bench(ScriptedHttpServer server)
    {
        var bench = new SourceBench(new() { FirstByteTimeout = TimeSpan.FromSeconds(20) });
        var at = string.Create(CultureInfo.InvariantCulture, $"http://store.files.example:{server.Port}");
        bench.Set("s3", new VolumeConfig.S3("files", null, "us-east-1", new(at), true, "key", "secret", true));
        bench.Set("web", new VolumeConfig.Http(new(at + "/dav/"), null));
        return bench;
    }

    // Anything but a SourceException fails the test.
    private static async Task ContentOrFaultAsync(SourceBench bench, string source)
    {
        if (await bench.TryAsync(source) is { } fault)
            Assert.That(fault.Message, Is.Not.Empty);
    }

    private static async Task TestedAsync(SourceBench bench, ScriptedHttpServer server, bool store = false)
    {
        using var probe = new VolumeProbe(bench.Dialer, bench.Options, bench.Clock);
        foreach (var volume in bench.Volumes.Directory.All.Where(volume => !store || volume.Id == "s3"))
        {
            var test = await probe.TestAsync(volume, null, CancellationToken.None).WaitAsync(SourceBench.Deadline);
            if (!test.Ok)
                Assert.That(test.Error, Is.Not.Empty);
            var file = await probe.TestAsync(volume, "a", CancellationToken.None).WaitAsync(SourceBench.Deadline);
            if (!file.Ok)
                Assert.That(file.Error, Is.Not.Empty);
        }

        Assert.That(server.Heads, Is.Not.Empty);
    }
}
