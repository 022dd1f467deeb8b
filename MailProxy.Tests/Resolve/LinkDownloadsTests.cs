using System.Net;
using System.Net.Http.Headers;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Api;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>What happens when somebody follows a link: over real HTTP, to files in a real directory and in a real S3 server.</summary>
[TestFixture]
internal sealed class LinkDownloadsTests
{
    private readonly byte[] _content = LinkRig.Bytes(50_000);
    private LinkRig _rig = null!;
    private ApiHost _host = null!;
    private HttpClient _http = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _rig = await LinkRig.StartAsync();
        _host = await ApiHost.StartAsync(new() { OnKestrel = true });
        _host.Downloads = _rig.Service.Downloads.OpenAsync;
        _http = new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = _host.Address, Timeout = ApiHost.Deadline };
    }

    [TearDown]
    public async Task StopAsync()
    {
        _http.Dispose();
        await _host.DisposeAsync();
        _rig.Dispose();
    }

    // The link as its reader has it, at the address where the daemon really is.
    private string Path(FileLink link) => new Uri(link.Url).AbsolutePath;

    private Task<FileLink> LinkAsync(string name = "Übersicht \"2026\".pdf") => _rig.LinkAsync(LinkRig.File(_content, name));

    [Test]
    public async Task Get_Link_IsTheFileUnderItsName()
    {
        using var answer = await _http.GetAsync(Path(await LinkAsync()));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(_content));
            Assert.That(answer.Content.Headers.ContentLength, Is.EqualTo(_content.Length));
            Assert.That(answer.Content.Headers.ContentType?.ToString(), Is.EqualTo("application/pdf"));
            Assert.That(
                answer.Content.Headers.GetValues("Content-Disposition").Single(),
                Is.EqualTo("attachment; filename=\"_bersicht _2026_.pdf\"; filename*=UTF-8''%C3%9Cbersicht%20%222026%22.pdf")
            );
            Assert.That(answer.Headers.AcceptRanges, Is.EqualTo(new[] { "bytes" }));
            Assert.That(answer.Headers.ETag, Is.Not.Null);
            Assert.That(answer.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"));
            Assert.That(answer.Headers.GetValues("Content-Security-Policy").Single(), Does.Contain("sandbox"));
            Assert.That(answer.Headers.GetValues("Referrer-Policy").Single(), Is.EqualTo("no-referrer"));
        }
    }

    [Test]
    public async Task Head_Link_HasTheHeadersAndNoBody()
    {
        using var answer = await _http.SendAsync(new(HttpMethod.Head, Path(await LinkAsync())));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer.Content.Headers.ContentLength, Is.EqualTo(_content.Length));
        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.Empty);
    }

    [TestCase(0, 99)]
    [TestCase(49_000, null)]
    [TestCase(null, 10)]
    public async Task Get_Range_IsThatPart(int? from, int? to)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Path(await LinkAsync()));
        request.Headers.Range = new RangeHeaderValue(from, to);
        using var answer = await _http.SendAsync(request);
        var expected = from is null ? _content[^to!.Value..] : _content[from.Value..((to ?? _content.Length - 1) + 1)];
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.PartialContent));
        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo(expected));
        Assert.That(answer.Content.Headers.ContentRange?.Length, Is.EqualTo(_content.Length));
    }

    [Test]
    public async Task Get_RangeBeyondTheEnd_416()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Path(await LinkAsync()));
        request.Headers.Range = new RangeHeaderValue(50_000, null);
        using var answer = await _http.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.EqualTo(416));
    }

    [Test]
    public async Task Get_KnownTag_304()
    {
        var path = Path(await LinkAsync());
        using var first = await _http.GetAsync(path);
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var answer = await _http.SendAsync(request);
        Assert.That((int)answer.StatusCode, Is.EqualTo(304));
    }

    [TestCase("/d/abc")]
    [TestCase("/d/..%2F..%2Fetc%2Fpasswd")]
    public async Task Get_NotALink_404(string path)
    {
        using var answer = await _http.GetAsync(path);
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Get_Expired_410AlsoAfterTheSweep()
    {
        var path = Path(await LinkAsync());
        _rig.Clock.Advance(TimeSpan.FromDays(2));
        using (var answer = await _http.GetAsync(path))
            await answer.ProblemAsync(410, "expired");
        _rig.Clock.Advance(TimeSpan.FromDays(1));
        await _rig.Sweep.SweepAsync(CancellationToken.None);
        using (var answer = await _http.GetAsync(path))
            await answer.ProblemAsync(410, "expired");
    }

    [Test]
    public async Task Get_FileGoneVolumeElsewhereRootAway_404And404And503()
    {
        var path = Path(await LinkAsync());
        var away = _rig.Root + "-away";
        Directory.Move(_rig.Root, away);
        using (var answer = await _http.GetAsync(path))
            await answer.ProblemAsync(503, "unavailable");
        Directory.Move(away, _rig.Root);
        File.Delete(System.IO.Path.Combine(_rig.Root, _rig.Stored.Single()));
        using (var answer = await _http.GetAsync(path))
            await answer.ProblemAsync(404, "not_found");
        _rig.Use(new VolumeConfig.Local("/elsewhere"));
        using (var answer = await _http.GetAsync(path))
            await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Get_StoredFileIsALinkOutOfTheRoot_404()
    {
        var path = Path(await LinkAsync());
        var stored = System.IO.Path.Combine(_rig.Root, _rig.Stored.Single());
        File.Delete(stored);
        File.CreateSymbolicLink(stored, "/etc/passwd");
        using var answer = await _http.GetAsync(path);
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Presigned_S3_IsDownloadedByPlainHttpInParts()
    {
        await using var server = await S3Server.StartAsync("files");
        _rig.Use(LinkRig.Bucket(server, "out"));
        var content = LinkRig.Bytes(20_000_000); // one piece of this the server refuses
        var link = await _rig.LinkAsync(LinkRig.File(content));
        using var answer = await _http.GetAsync(link.Url);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                link.Url,
                Does.StartWith(server.Endpoint + "files/out/links/acme/")
                    .And.Match("X-Amz-Expires=(172800|17279[0-9])&")
                    .And.Contain("response-content-disposition=attachment")
            );
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/pdf"));
            Assert.That((await answer.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(content));
        }
    }

    [TestCase(50_000)]
    [TestCase(20_000_000)]
    public async Task Presigned_S3WithoutChunkedUpload_IsWhole(int size)
    {
        await using var server = await S3Server.StartAsync("files");
        _rig.Use(LinkRig.Bucket(server) with { ChunkedUpload = false });
        var content = LinkRig.Bytes(size);
        var link = await _rig.LinkAsync(LinkRig.File(content));
        Assert.That((await _http.GetByteArrayAsync(link.Url)).AsSpan().SequenceEqual(content));
    }

    [Test]
    public async Task Get_S3LinkLongerThanASignature_SendsOnToS3()
    {
        await using var server = await S3Server.StartAsync("files");
        _rig.Use(LinkRig.Bucket(server));
        var link = await _rig.LinkAsync(LinkRig.File(_content), rule: LinkRig.Rule with { LifetimeDays = 30 });
        Assert.That(link.ExpiresAt, Is.EqualTo(_rig.Now + 30 * 86_400_000L));
        using var answer = await _http.GetAsync(Path(link));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Redirect));
        Assert.That(answer.Headers.Location!.Query, Does.Match("X-Amz-Expires=(300|29[0-9])&"));
        Assert.That(await _http.GetByteArrayAsync(answer.Headers.Location), Is.EqualTo(_content));
    }

    [Test]
    public async Task Put_BucketMissing_WaitsAndSaysSo()
    {
        await using var server = await S3Server.StartAsync();
        _rig.Use(LinkRig.Bucket(server));
        var fault = Assert.ThrowsAsync<MailProxy.Pipeline.Resolve.SourceException>(() => LinkAsync());
        Assert.That(fault!.Message, Is.EqualTo("The volume 'files': the bucket is not there."));
        Assert.That(fault.Fault, Is.EqualTo(MailProxy.Pipeline.Resolve.SourceFault.Down));
    }
}
