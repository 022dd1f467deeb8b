using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Attachments from everywhere, through the whole daemon.</summary>
[Parallelizable(ParallelScope.Self)]
public sealed class SourceTests
{
    private TempDirectory _directory = null!;
    private TempDirectory _files = null!;
    private LoopbackFiles _web = null!;
    private TestDaemon _daemon = null!;

    [SetUp]
    public async Task StartAsync()
    {
        (_directory, _files) = (new(), new());
        _web = await LoopbackFiles.StartAsync();
        _daemon = await TestDaemon.StartAsync(_directory, ("Network:Allowed:0", "127.0.0.1"), ("Resolve:AllowedRoots:0", _files.Path));
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _daemon.DisposeAsync();
        await _web.DisposeAsync();
        _files.Dispose();
        _directory.Dispose();
    }

    private string Url(string path) => $"http://127.0.0.1:{_web.Port}{path}";

    private Task PutAsync(string path, object body) =>
        Eventually(_daemon.SendAsync(HttpMethod.Put, path, body), HttpStatusCode.Created, HttpStatusCode.OK);

    private static async Task Eventually(Task<HttpStatusCode> answer, params HttpStatusCode[] good) =>
        Assert.That(await answer, Is.AnyOf([.. good.Cast<object>()]));

    private Task<string> PostAsync(params object[] attachments) =>
        _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                subject = "files",
                text = "x",
                attachments,
            }
        );

    [Test]
    public async Task Mail_WithEveryKindOfSource_CarriesWhatTheyGave()
    {
        await using var s3 = await S3Server.StartAsync("bucket");
        var contents = Enumerable.Range(0, 8).Select(n => RandomNumberGenerator.GetBytes(10_000 + n)).ToArray();
        await s3.PutAsync("bucket", "pre/one.bin", contents[0]);
        foreach (var n in new[] { 1, 2, 6 })
            await File.WriteAllBytesAsync(Path.Combine(_files, $"{n}.bin"), contents[n]);
        _web.Answer = async context =>
            await context.Response.Body.WriteAsync(
                context.Request.Path.Value switch
                {
                    "/3" => contents[3],
                    "/dav/4.bin" when context.Request.Headers.Authorization == "Bearer dav" => contents[4],
                    "/give" when context.Request.Method == "POST" && context.Request.Headers["X-Key"] == "k" => contents[5],
                    _ => [],
                }
            );
        await PutAsync(
            "/v1/volumes/store",
            new
            {
                backend = "s3",
                config = new
                {
                    bucket = "bucket",
                    prefix = "pre",
                    endpoint = s3.Endpoint,
                    path_style = true,
                    access_key = "a",
                    secret_key = "b",
                },
            }
        );
        await PutAsync("/v1/volumes/disk", new { backend = "local", config = new { root = _files.Path } });
        await PutAsync("/v1/volumes/web", new { backend = "http", config = new { base_url = Url("/dav"), auth = new { bearer = "dav" } } });
        await PutAsync(
            "/v1/tenants/default",
            new { name = "default", attachment_endpoint = new { url = Url("/give"), auth = new { header = "X-Key", value = "k" } } }
        );

        var id = await PostAsync(
            new
            {
                filename = "0.bin",
                source = "store:one.bin",
                size = contents[0].Length,
                sha256 = Convert.ToHexString(SHA256.HashData(contents[0])),
            },
            new { filename = "1.bin", source = "disk:1.bin" },
            new { filename = "2.bin", source = $"{_files.Path}/2.bin" },
            new { filename = "3.bin", source = Url("/3?signature=geheim") },
            new { filename = "4.bin", source = "web:4.bin" },
            new { filename = "5.bin", source = "inv-5" },
            new
            {
                filename = $"6_{{MD5:{Convert.ToHexString(MD5.HashData(contents[6]))}}}.bin",
                storage_path = "disk:6.bin",
                fetch_mode = "storage",
            },
            new { filename = "7.bin", storage_path = "base64:" + Convert.ToBase64String(contents[7]) }
        );
        await _daemon.UntilAsync(id, EventType.MessageSent);

        var caught = (await _daemon.GetAsync("/v1/sandbox/messages"))["data"]![0]!;
        using var raw = new MemoryStream(await _daemon.Http.GetByteArrayAsync($"/v1/sandbox/messages/{caught["id"]}/raw"));
        var parts = (await MimeMessage.LoadAsync(raw)).Attachments.Cast<MimePart>().ToArray();
        Assert.That(parts.Select(p => p.FileName), Is.EqualTo(Enumerable.Range(0, 8).Select(n => $"{n}.bin")));
        for (var n = 0; n < parts.Length; n++)
        {
            using var decoded = new MemoryStream();
            await parts[n].Content!.DecodeToAsync(decoded);
            Assert.That(decoded.ToArray().AsSpan().SequenceEqual(contents[n]), Is.True, parts[n].FileName);
        }
    }

    [TestCase(404, EventType.MessageFailed)]
    [TestCase(403, EventType.MessageFailed)]
    [TestCase(503, EventType.MessageDeferred)]
    public async Task Mail_WhoseSourceAnswersOtherwise_SaysWhichButNoSecrets(int status, EventType type)
    {
        _web.Answer = context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        };

        var id = await PostAsync(
            new
            {
                filename = "a",
                source = Url("/a.pdf?signature=geheim"),
                auth = new { user = "ann", password = "geheim" },
            }
        );
        await _daemon.UntilAsync(id, type);

        var events = (await _daemon.GetAsync($"/v1/messages/{id}/events")).ToJsonString();
        var message = (await _daemon.GetAsync($"/v1/messages/{id}")).ToJsonString();
        Assert.That(JsonSerializer.Serialize(events), Does.Contain("/a.pdf").And.Contain($"{status}").And.Not.Contain("geheim"));
        Assert.That(message, Does.Not.Contain("geheim"));
    }

    [Test]
    public async Task Mail_WithAnAddressInside_FailsAndNobodyIsAsked()
    {
        var id = await PostAsync(new { filename = "a", source = $"http://127.0.0.2:{_web.Port}/latest/meta-data/" });
        await _daemon.UntilAsync(id, EventType.MessageFailed);

        Assert.That(_web.Requests, Is.Empty);
    }
}
