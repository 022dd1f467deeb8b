using System.Net;
using System.Text;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Volumes of version A, and attachments that are in them or inline.</summary>
internal sealed class VersionAVolumeTests : VersionAFixture
{
    private TempDirectory _root = null!;

    [SetUp]
    public void MakeRoot() => _root = new();

    [TearDown]
    public void RemoveRoot() => _root.Dispose();

    [Test]
    public async Task Volume_MadeReadListedAndDeleted_IsAsItWasWritten()
    {
        await PutAsync("docs");
        await PutAsync("own", "other");
        var (_, one) = await GetAsync("/volume/docs");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((string?)one!["name"], Is.EqualTo("docs"), "bare, without ok");
            Assert.That((string?)one["backend"], Is.EqualTo("local"));
            Assert.That((string?)one["config"]!["path"], Is.EqualTo((string)_root));
            Assert.That((int)one["id"]!, Is.GreaterThan(0));
            Assert.That(one["account_id"], Is.Null);
            Assert.That((string?)one["created_at"], Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"));
            Assert.That(await NamesAsync(""), Is.EqualTo(new[] { "docs", "own" }));
            Assert.That(await NamesAsync("?account_id=main"), Is.EqualTo(new[] { "docs" }), "its own, and those of all");
            Assert.That(await NamesAsync("?account_id=other"), Is.EqualTo(new[] { "docs", "own" }));
            Assert.That((await GetAsync("/volume/own?account_id=main")).Status, Is.EqualTo(HttpStatusCode.NotFound));
        }

        Assert.That((await CallAsync(HttpMethod.Delete, "/volume/docs")).Body!.ToJsonString(), Is.EqualTo("""{"ok":true}"""));
        var (status, answer) = await CallAsync(HttpMethod.Delete, "/volume/docs");
        Assert.That(((int)status, (string?)answer!["detail"]), Is.EqualTo((404, "Volume 'docs' not found")));
        Assert.That((await GetAsync("/volume/docs")).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Volume_InS3_ShowsNoSecret()
    {
        var volume = new
        {
            name = "s3-uploads",
            backend = "s3",
            config = new
            {
                bucket = "common-uploads",
                region = "eu-west-1",
                access_key = "AKIAEXAMPLE",
                secret_key = "s3cr3t",
                endpoint_url = "http://127.0.0.1:9000",
            },
        };
        Assert.That((await PostAsync("/volume", volume)).Status, Is.EqualTo(HttpStatusCode.OK));
        var (_, shown) = await GetAsync("/volume/s3-uploads");
        Assert.That((string?)shown!["config"]!["bucket"], Is.EqualTo("common-uploads"));
        Assert.That(shown.ToJsonString(), Does.Not.Contain("s3cr3t"));
        var own = await OwnAsync("/v1/volumes/s3-uploads", Tenant);
        Assert.That((string?)own["config"]!["endpoint"], Does.StartWith("http://127.0.0.1:9000"));
        Assert.That((bool)own["config"]!["path_style"]!, Is.True);
    }

    [TestCase("gcs", "gcs is not supported here: local and s3 are")]
    [TestCase("azure", "azure is not supported here: local and s3 are")]
    [TestCase("http", "http is not supported here: local and s3 are")]
    [TestCase("webdav", "webdav is not supported here: local and s3 are")]
    [TestCase("memory", "memory is not supported here: local and s3 are")]
    [TestCase("ftp", "Input should be 's3', 'gcs', 'azure', 'local', 'http', 'webdav', 'memory'")]
    public async Task Volume_OfAnotherBackend_IsRefusedClearly(string backend, string why)
    {
        var (status, answer) = await PostAsync(
            "/volume",
            new
            {
                name = "v",
                backend,
                config = new { },
            }
        );
        Assert.That(
            ((int)status, answer!["detail"]![0]!["loc"]!.ToJsonString(), (string?)answer["detail"]![0]!["msg"]),
            Is.EqualTo((422, """["body","backend"]""", why))
        );
    }

    [TestCase("""{"backend":"local","config":{"path":"/srv"}}""", "name")]
    [TestCase("""{"name":"base64","backend":"local","config":{"path":"/srv"}}""", "name")]
    [TestCase("""{"name":"a b","backend":"local","config":{"path":"/srv"}}""", "name")]
    [TestCase("""{"name":"v","config":{"path":"/srv"}}""", "backend")]
    [TestCase("""{"name":"v","backend":"local"}""", "config")]
    [TestCase("""{"name":"v","backend":"local","config":[]}""", "config")]
    [TestCase("""{"name":"v","backend":"local","config":{}}""", "config")]
    [TestCase("""{"name":"v","backend":"local","config":{"path":"relative"}}""", "config")]
    [TestCase("""{"name":"v","backend":"s3","config":{}}""", "config")]
    [TestCase("""{"name":"v","backend":"s3","config":{"bucket":5}}""", "config")]
    public async Task Volume_WithAMistake_IsInvalid(string body, string member)
    {
        var (status, answer) = await PostAsync("/volume", body);
        Assert.That(((int)status, (string?)answer!["detail"]![0]!["loc"]![1]), Is.EqualTo((422, member)), answer.ToJsonString());
    }

    [Test]
    public async Task Attachment_InAVolumeAndInline_AreInTheMail()
    {
        await PutAsync("docs");
        Directory.CreateDirectory(Path.Combine(_root, "2025"));
        await File.WriteAllTextAsync(Path.Combine(_root, "2025", "a.txt"), "from the volume");
        await QueueAsync(
            Mail(
                "m",
                new
                {
                    attachments = new[]
                    {
                        new
                        {
                            filename = "a.txt",
                            storage_path = "docs:2025/a.txt",
                            other = 1,
                        },
                        new
                        {
                            filename = "b.txt",
                            storage_path = "base64:SGVsbG8h",
                            other = 2,
                        },
                    },
                }
            )
        );
        var row = await MailAsync("m", static row => row["sent_ts"] is not null);
        var mail = MimeMessage.Load(new MemoryStream(_smtp.Taken.Single().Data));
        Assert.That(mail.Attachments.Select(Text), Is.EqualTo(new[] { "from the volume", "Hello!" }));
        Assert.That(mail.Attachments.Select(static part => ((MimePart)part).FileName), Is.EqualTo(new[] { "a.txt", "b.txt" }));
        Assert.That(
            row["message"]!["attachments"]![0]!.ToJsonString(),
            Is.EqualTo("""{"filename":"a.txt","storage_path":"docs:2025/a.txt"}""")
        );
    }

    [TestCase("http://example.com/a")]
    [TestCase("/etc/passwd")]
    [TestCase("none:a")]
    [TestCase("nothing")]
    [TestCase("own:a")]
    [TestCase(":a")]
    public async Task Attachment_ElsewhereThanInAVolume_RefusesItsMessage(string path)
    {
        await PutAsync("own", "other");
        await PutAsync("docs");
        string[] paths = [path, "docs:fine", path];
        var attachments = paths.Select(static one => new { filename = "a", storage_path = one });
        var (status, answer) = await AddAsync(Mail("m", new { attachments }), Mail("good", new { deferred_ts = 4_000_000_000 }));
        Assert.That((status, (int)answer!["queued"]!), Is.EqualTo((HttpStatusCode.OK, 1)), answer.ToJsonString());
        Assert.That((string?)answer["rejected"]![0]!["reason"], Is.EqualTo("Invalid/unauthorized storage volumes: " + path));
    }

    [Test]
    public async Task Volume_OfAnAccount_IsForItsMailOnly()
    {
        var other = Account("other");
        Assert.That((await PostAsync("/account", other)).Status, Is.EqualTo(HttpStatusCode.OK));
        await PutAsync("own", "other");
        await File.WriteAllTextAsync(Path.Combine(_root, "a.txt"), "own");
        var attachments = new[] { new { filename = "a.txt", storage_path = "own:a.txt" } };
        await QueueAsync(Mail("m", new { account_id = "other", attachments }));
        await MailAsync("m", static row => row["sent_ts"] is not null);
        Assert.That((int)(await AddAsync(Mail("n", new { attachments }))).Status, Is.EqualTo(400));
    }

    [Test]
    public async Task Volume_OnDiskByATenantsToken_IsRefused()
    {
        var key = await _daemon.MakeTenantAsync("own");
        var (status, answer) = await PostAsync(
            "/volume",
            new
            {
                name = "v",
                backend = "local",
                config = new { path = "/srv" },
            },
            key
        );
        Assert.That(((int)status, (string?)answer!["detail"]![0]!["loc"]![1]), Is.EqualTo((422, "config")));
        await PutAsync("docs");
        Assert.That((await GetAsync("/volume/docs", key)).Status, Is.EqualTo(HttpStatusCode.NotFound), "another tenant's");
    }

    private async Task PutAsync(string name, string? account = null)
    {
        var volume = new
        {
            name,
            backend = "local",
            config = new { path = (string)_root },
            account_id = account,
        };
        var (status, answer) = await PostAsync("/volume", volume);
        Assert.That((status, answer!.ToJsonString()), Is.EqualTo((HttpStatusCode.OK, """{"ok":true}""")));
    }

    private async Task<IEnumerable<string>> NamesAsync(string query) =>
        (await GetAsync("/volumes" + query)).Body!["volumes"]!.AsArray().Select(static one => (string)one!["name"]!);

    private static string Text(MimeEntity part)
    {
        using var content = new MemoryStream();
        ((MimePart)part).Content!.DecodeTo(content);
        return Encoding.UTF8.GetString(content.ToArray());
    }
}
