using System.Net;
using System.Text;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Attachments: where they come from, their names, the marker, and what is told when they cannot be had.</summary>
internal sealed class AttachmentTests : GenroFixture
{
    private const string Marked = "a_{MD5:0123456789abcdef0123456789abcdef}__b_.pdf";

    private LoopbackFiles _files = null!;
    private TempDirectory _root = null!;

    protected override (string Name, string Value)[] Settings => [.. base.Settings, ("Resolve:AllowedRoots:0", _root)];

    [OneTimeSetUp]
    public void MakeRoot() => _root = new();

    [OneTimeTearDown]
    public void RemoveRoot() => _root.Dispose();

    [SetUp]
    public async Task Prepare()
    {
        _files = await LoopbackFiles.StartAsync();
        _files.Answer = static http => http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes("content of " + http.Request.Path)).AsTask();
        var (status, answer) = await PostAsync(
            "/tenant",
            new
            {
                id = "acme",
                client_base_url = $"http://127.0.0.1:{_files.Port}",
                client_auth = new { method = "bearer", token = "app-token" },
                client_sync_path = "/reports",
            }
        );
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer?.ToJsonString());
        await MakeAccountAsync("acme");
    }

    [TearDown]
    public async Task StopFiles() => await _files.DisposeAsync();

    [Test]
    public async Task Endpoint_WithoutAMode_IsAskedWithTheTenantsCredentials()
    {
        var part = await SendAsync(new { filename = "a.pdf", storage_path = "vol:docs/a" });
        Assert.That((part.FileName, part.ContentType.MimeType), Is.EqualTo(("a.pdf", "application/pdf")));
        var request = _files.Requests.Single(static one => one.Target == "/mail-proxy/attachments");
        Assert.That(
            (request.Method, request.Body, request.Headers["Authorization"]),
            Is.EqualTo(("POST", """{"storage_path":"vol:docs/a"}""", "Bearer app-token"))
        );
    }

    [Test]
    public async Task Endpoint_WithCredentialsOfItsOwn_IsAskedWithThose()
    {
        await SendAsync(
            new
            {
                filename = "a",
                storage_path = "x",
                auth = new
                {
                    method = "basic",
                    user = "u",
                    password = "p",
                },
            }
        );
        var request = _files.Requests.Single(static one => one.Target == "/mail-proxy/attachments");
        Assert.That(request.Headers["Authorization"], Is.EqualTo("Basic " + Convert.ToBase64String("u:p"u8)));
    }

    [Test]
    public async Task Url_WithoutCredentials_GetsNoneOfTheTenants()
    {
        var part = await SendAsync(
            new
            {
                filename = "a.txt",
                storage_path = $"http://127.0.0.1:{_files.Port}/f.txt",
                mime_type = "text/x-own",
            }
        );
        Assert.That((Text(part), part.ContentType.MimeType), Is.EqualTo(("content of /f.txt", "text/x-own")));
        Assert.That(_files.Requests.Single(static one => one.Target == "/f.txt").Headers.ContainsKey("Authorization"), Is.False);
    }

    [TestCase("base64:SGVsbG8h", null)]
    [TestCase("SGVsbG8h", "base64")]
    public async Task Base64_Inline_IsItself(string path, string? mode)
    {
        var part = await SendAsync(
            new
            {
                filename = "a.bin",
                storage_path = path,
                fetch_mode = mode,
            }
        );
        Assert.That((Text(part), part.ContentType.MimeType), Is.EqualTo(("Hello!", "application/octet-stream")));
    }

    [Test]
    public async Task File_BelowAnAllowedRoot_IsRead()
    {
        var path = Path.Combine(_root, "f.txt");
        await File.WriteAllTextAsync(path, "from the disk");
        Assert.That(Text(await SendAsync(new { filename = "a.txt", storage_path = path })), Is.EqualTo("from the disk"));
    }

    [Test]
    public async Task Marker_InTheName_LeavesItAndIsACacheKeyOnly()
    {
        var part = await SendAsync(new { filename = Marked, storage_path = "one" });
        Assert.That(part.FileName, Is.EqualTo("a_b.pdf"));
        var again = await SendAsync(new { filename = Marked, storage_path = "one" }, "again");
        Assert.That(Text(again), Is.EqualTo(Text(part)));
        Assert.That(_files.Requests.Count(static one => one.Target == "/mail-proxy/attachments"), Is.EqualTo(1), "fetched once");
        await SendAsync(
            new
            {
                filename = "c",
                storage_path = "one",
                content_md5 = "0123456789ABCDEF0123456789abcdef",
            },
            "third"
        );
        Assert.That(
            _files.Requests.Count(static one => one.Target == "/mail-proxy/attachments"),
            Is.EqualTo(1),
            "the member is the same key"
        );
    }

    [TestCase(404)]
    [TestCase(403)]
    public async Task Source_ThatRefuses_FailsInTheWordsThatClientsMatch(int status)
    {
        Refuse(status);
        await QueueAsync(Message("m", "acme", new { attachments = new[] { new { filename = "report.pdf", storage_path = "gone" } } }));
        var row = await RowAsync("acme", "m", static row => row["error_ts"] is not null);
        Assert.That((string?)row["error"], Does.Contain("Attachment fetch failed for report.pdf: ").And.Contain($"{status}"));
    }

    [Test]
    public async Task Source_ThatIsDown_DefersTheMessage()
    {
        Refuse(503);
        await QueueAsync(Message("m", "acme", new { attachments = new[] { new { filename = "report.pdf", storage_path = "down" } } }));
        var row = await RowAsync("acme", "m", static row => row["deferred_ts"] is not null);
        Assert.That(row.ContainsKey("error_ts"), Is.False);
    }

    [TestCase("""{"filename":"","storage_path":"x"}""", "filename")]
    [TestCase("""{"filename":"a"}""", "storage_path")]
    [TestCase("""{"filename":"a","storage_path":""}""", "storage_path")]
    [TestCase("""{"filename":"a","storage_path":"x","fetch_mode":"ftp"}""", "fetch_mode")]
    [TestCase("""{"filename":"a","storage_path":"x","content_md5":"xyz"}""", "content_md5")]
    [TestCase("""{"filename":"a","storage_path":"x","content":"SGk="}""", "content")]
    public async Task Attachment_WithAMistake_IsInvalid(string attachment, string member)
    {
        var message = Message("m", "acme");
        message["attachments"] = System.Text.Json.Nodes.JsonNode.Parse($"[{attachment}]");
        var (status, answer) = await AddAsync(message);
        Assert.That((int)status, Is.EqualTo(422), answer?.ToJsonString());
        Assert.That(answer!["detail"]![0]!["loc"]!.ToJsonString(), Is.EqualTo($$"""["body","messages",0,"attachments",0,"{{member}}"]"""));
    }

    [Test]
    public async Task LargeFile_Rejected_IsToldInTheWordsThatClientsMatch()
    {
        await CallAsync(
            HttpMethod.Put,
            "/tenant/acme",
            new
            {
                large_file_config = new
                {
                    enabled = true,
                    max_size_mb = 0.1,
                    action = "reject",
                },
            }
        );
        var content = Convert.ToBase64String(new byte[210_000]);
        await QueueAsync(
            Message("m", "acme", new { attachments = new[] { new { filename = "big.bin", storage_path = "base64:" + content } } })
        );
        var row = await RowAsync("acme", "m", static row => row["error_ts"] is not null);
        Assert.That((string?)row["error"], Does.Contain("Attachment 'big.bin' (0.2 MB) exceeds limit (0.1 MB)"));
    }

    [Test]
    public async Task LargeFile_Rewritten_LiesInItsDirectoryAndIsLinked()
    {
        var (status, answer) = await CallAsync(
            HttpMethod.Put,
            "/tenant/acme",
            new
            {
                large_file_config = new
                {
                    enabled = true,
                    max_size_mb = 0.1,
                    action = "rewrite",
                    storage_url = new Uri(_root).AbsoluteUri,
                    public_base_url = "https://files.example.com/",
                },
            }
        );
        Assert.That((int)status, Is.EqualTo(200), answer?.ToJsonString());
        var content = Convert.ToBase64String(new byte[210_000]);
        var attachment = new { filename = "big.bin", storage_path = "base64:" + content };
        await QueueAsync(Message("m", "acme", new { attachments = new[] { attachment } }));
        await RowAsync("acme", "m", static row => row["sent_ts"] is not null);
        var mail = MimeMessage.Load(new MemoryStream(_smtp.Taken.Single().Data));
        Assert.That(mail.Attachments, Is.Empty);
        Assert.That(mail.TextBody, Does.Contain("big.bin").And.Contain("https://files.example.com/links/acme/"));
        var file = Directory.GetFiles(Path.Combine(_root, "links", "acme")).Single();
        Assert.That(new FileInfo(file).Length, Is.EqualTo(210_000));
        using var http = _daemon.As((string)(await PostAsync("/tenant/acme/api-key")).Body!["api_key"]!);
        var volume = System.Text.Json.Nodes.JsonNode.Parse(await http.GetStringAsync("/v1/volumes/genro_files"))!;
        Assert.That((string?)volume["backend"], Is.EqualTo("local"));
        var tenant = await _daemon.GetAsync("/v1/tenants/acme");
        Assert.That(((string?)tenant["large_files"]!["action"], (int)tenant["large_files"]!["threshold"]!), Is.EqualTo(("link", 104_857)));
    }

    private void Refuse(int status) =>
        _files.Answer = http =>
        {
            http.Response.StatusCode = http.Request.Path == "/reports" ? 200 : status;
            return Task.CompletedTask;
        };

    private async Task<MimePart> SendAsync(object attachment, string id = "m")
    {
        await QueueAsync(Message(id, "acme", new { attachments = new[] { attachment } }));
        await RowAsync("acme", id, static row => row["sent_ts"] is not null || row["error_ts"] is not null);
        var mail = _smtp.Taken.Single(mail => mail.Text.Contains($"X-Genro-Mail-ID: {id}\r\n", StringComparison.Ordinal));
        var message = MimeMessage.Load(new MemoryStream(mail.Data));
        Assert.That(message.Body!.ContentType.MimeType, Is.EqualTo("multipart/mixed"));
        return (MimePart)message.Attachments.Single();
    }

    private static string Text(MimePart part)
    {
        using var content = new MemoryStream();
        part.Content!.DecodeTo(content);
        return Encoding.UTF8.GetString(content.ToArray());
    }
}
