using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration.Volumes;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class VolumeRoutesTests
{
    private const string S3 =
        """{"backend":"s3","config":{"bucket":"files","region":"eu-central-1","access_key":"AK","secret_key":"s3cr3t-words"}}""";

    private const string Http =
        """{"backend":"http","config":{"base_url":"https://dav.example/files","auth":{"user":"u","password":"s3cr3t-words"}}}""";

    private const string Local = """{"backend":"local","config":{"root":"/srv/files"}}""";

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private Task<HttpResponseMessage> PutAsync(string body, string id = "main") => _host.SendAsync("PUT", $"/v1/volumes/{id}", body);

    private VolumeConfig Stored(string id = "main") => _host.Configuration.Values<Volume>().Single(v => v.Id == id).Config;

    [Test]
    public async Task Put_NewS3_201WithoutTheSecretAndActsAtOnce()
    {
        using var answer = await PutAsync(
            """
            {"backend":"s3","shared":true,"config":{"bucket":"files","prefix":"mail/out/","region":"eu-central-1","endpoint":"https://s3.example:9000","path_style":true,
             "access_key":"AK","secret_key":"s3cr3t-words","chunked_upload":false}}
            """
        );
        var body = await answer.Content.ReadAsStringAsync();
        var expected = JsonNode.Parse(
            """
            {"id":"main","tenant":"default","backend":"s3","shared":true,"config":{"bucket":"files","prefix":"mail/out","region":"eu-central-1","endpoint":"https://s3.example:9000",
             "path_style":true,"access_key":"AK","secret_key_set":true,"chunked_upload":false}}
            """
        );
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(201), body);
            Assert.That(answer.Headers.Location?.OriginalString, Is.EqualTo("/v1/volumes/main"));
            Assert.That(JsonNode.DeepEquals(JsonNode.Parse(body), expected), body);
            var volume = _host.CurrentVolumes.Directory.Find("another", "main");
            Assert.That(volume, Is.Not.Null, "acts at once, for every tenant");
            Assert.That(volume!.AdminSet);
            Assert.That(
                volume.Config,
                Is.EqualTo(
                    new VolumeConfig.S3(
                        "files",
                        "mail/out",
                        "eu-central-1",
                        new("https://s3.example:9000"),
                        true,
                        "AK",
                        "s3cr3t-words",
                        false
                    )
                )
            );
        }
    }

    [TestCase(S3)]
    [TestCase(Http)]
    [TestCase(Local)]
    [TestCase("""{"backend":"s3","config":{"bucket":"files","endpoint":"http://127.0.0.1:9000","path_style":true}}""")]
    [TestCase("""{"backend":"http","config":{"base_url":"https://dav.example/files","auth":{"bearer":"s3cr3t-words"}}}""")]
    [TestCase("""{"backend":"http","config":{"base_url":"https://dav.example/files","auth":{"header":"X-Key","value":"s3cr3t-words"}}}""")]
    [TestCase("""{"backend":"http","config":{"base_url":"https://dav.example/files"}}""")]
    public async Task Put_WhatGetAnswered_KeepsEverything(string body)
    {
        using (await PutAsync(body)) { }
        var before = Stored();
        using var read = await _host.SendAsync("GET", "/v1/volumes/main");
        var form = await read.Content.ReadAsStringAsync();
        using var answer = await PutAsync(form);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
            Assert.That((await answer.Content.ReadAsStringAsync()).TrimEnd('\n'), Is.EqualTo(form.TrimEnd('\n')));
            Assert.That(form, Does.Not.Contain("s3cr3t"));
            Assert.That(Stored(), Is.EqualTo(before));
        }
    }

    [Test]
    public async Task Put_HttpWithoutSlash_BaseGetsOne()
    {
        using (await PutAsync(Http)) { }
        Assert.That(
            Stored(),
            Is.EqualTo(new VolumeConfig.Http(new("https://dav.example/files/"), new SourceAuth.Basic("u", "s3cr3t-words")))
        );
    }

    [TestCase("""{"bucket":"files","region":"us-east-1","access_key":"AK"}""", "s3cr3t-words")]
    [TestCase("""{"bucket":"files","prefix":"p","region":"eu-central-1","path_style":true,"access_key":"AK"}""", "s3cr3t-words")]
    [TestCase("""{"bucket":"other","region":"eu-central-1","access_key":"AK","secret_key":"new"}""", "new")]
    [TestCase("""{"bucket":"files","region":"eu-central-1"}""", null)]
    public async Task Put_S3Again_SecretKeptReplacedOrRemoved(string config, string? secret)
    {
        using (await PutAsync(S3)) { }
        using var answer = await PutAsync($$"""{"backend":"s3","config":{{config}}}""");
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
        Assert.That(((VolumeConfig.S3)Stored()).SecretKey, Is.EqualTo(secret));
    }

    [Test]
    public async Task List_Pages_OwnAndShared()
    {
        await _host.AddAsync(
            "acme",
            "public",
            new Volume
            {
                Tenant = "acme",
                Id = "public",
                Shared = true,
                Config = new VolumeConfig.Local("/srv"),
            }
        );
        await _host.AddAsync(
            "acme",
            "private",
            new Volume
            {
                Tenant = "acme",
                Id = "private",
                Shared = false,
                Config = new VolumeConfig.Local("/srv"),
            }
        );
        foreach (var id in (string[])["b", "a"])
            using (await PutAsync(Local, id)) { }
        using var first = await _host.SendAsync("GET", "/v1/volumes?limit=2");
        var page = await first.JsonAsync();
        using var second = await _host.SendAsync("GET", $"/v1/volumes?limit=2&cursor={page.GetProperty("next_cursor").GetString()}");
        var rest = await second.JsonAsync();
        using var all = await _host.SendAsync("GET", "/v1/volumes?tenant=*");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                page.GetProperty("data").EnumerateArray().Select(v => v.GetProperty("id").GetString()),
                Is.EqualTo(new[] { "public", "a" })
            );
            Assert.That(rest.GetProperty("data").EnumerateArray().Select(v => v.GetProperty("id").GetString()), Is.EqualTo(new[] { "b" }));
            Assert.That((await all.JsonAsync()).GetProperty("data").GetArrayLength(), Is.EqualTo(4));
        }
    }

    [Test]
    public async Task Delete_UnusedInUseUnknown_204And409And404()
    {
        using (await PutAsync(Local)) { }
        _host.Configuration.InUse.Add("main");
        using var inUse = await _host.SendAsync("DELETE", "/v1/volumes/main");
        await inUse.ProblemAsync(409, "in_use");
        _host.Configuration.InUse.Clear();
        using var deleted = await _host.SendAsync("DELETE", "/v1/volumes/main");
        Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
        Assert.That(_host.CurrentVolumes.Directory.All, Is.Empty);
        using var unknown = await _host.SendAsync("DELETE", "/v1/volumes/main");
        await unknown.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Test_Known_SaysWhatWasSeen()
    {
        using (await PutAsync(Local)) { }
        using var whole = await _host.SendAsync("POST", "/v1/volumes/main/test");
        Assert.That(
            (await whole.Content.ReadAsStringAsync()).TrimEnd('\n'),
            Is.EqualTo("""{"ok":true,"objects":3,"more":false,"milliseconds":12.3}""")
        );
        Assert.That(_host.VolumeProbe.Asked, Is.EqualTo(("default/main", (string?)null)));

        _host.VolumeProbe.Seen = new(false, TimeSpan.FromSeconds(1), 403, "AccessDenied", Error: "Access denied.");
        using var one = await _host.SendAsync("POST", "/v1/volumes/main/test", """{"path":"a/b.pdf"}""");
        Assert.That(
            (await one.Content.ReadAsStringAsync()).TrimEnd('\n'),
            Is.EqualTo("""{"ok":false,"status":403,"code":"AccessDenied","error":"Access denied.","milliseconds":1000}""")
        );
        Assert.That(_host.VolumeProbe.Asked, Is.EqualTo(("default/main", (string?)"a/b.pdf")));
    }

    [Test]
    public async Task Test_UnknownOrMistaken_404And422()
    {
        using var unknown = await _host.SendAsync("POST", "/v1/volumes/none/test");
        await unknown.ProblemAsync(404, "not_found");
        using var mistaken = await _host.SendAsync("POST", "/v1/volumes/none/test", """{"file":"a"}""");
        await mistaken.ProblemAsync(422, "unknown_field");
    }

    [Test]
    public async Task Get_Unknown_404()
    {
        using var answer = await _host.SendAsync("GET", "/v1/volumes/none");
        await answer.ProblemAsync(404, "not_found");
    }

    [Test]
    public async Task Damaged_IsToldAloneAndHealedByPut()
    {
        await _host.AddAsync<Volume>("default", "main", null);
        using (await PutAsync(Local, "other")) { }
        using var damaged = await _host.SendAsync("GET", "/v1/volumes/main");
        await damaged.ProblemAsync(500, "resource_damaged");
        using var list = await _host.SendAsync("GET", "/v1/volumes");
        Assert.That(
            (await list.JsonAsync()).GetProperty("data").EnumerateArray().Single().GetProperty("id").GetString(),
            Is.EqualTo("other")
        );
        using var put = await PutAsync(Local);
        using var healed = await _host.SendAsync("GET", "/v1/volumes/main");
        Assert.That(((int)put.StatusCode, (int)healed.StatusCode), Is.EqualTo((200, 200)));
    }
}
