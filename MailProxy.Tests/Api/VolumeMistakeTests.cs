using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>What is refused when a volume is put, and how that is told.</summary>
[TestFixture]
public sealed class VolumeMistakeTests
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

    [TestCase("http")]
    [TestCase("https")]
    [TestCase("base64")]
    public async Task Put_IdThatNoSourceCanName_422(string id)
    {
        using var answer = await PutAsync(Local, id);

        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("reserved_id"));
    }

    [TestCase(S3, """{"backend":"s3","config":{"bucket":"other","region":"eu-central-1","access_key":"AK"}}""", "/config/secret_key")]
    [TestCase(
        S3,
        """{"backend":"s3","config":{"bucket":"files","region":"eu-central-1","endpoint":"https://other.example","access_key":"AK"}}""",
        "/config/secret_key"
    )]
    [TestCase(S3, """{"backend":"s3","config":{"bucket":"files","region":"eu-central-1","access_key":"AK2"}}""", "/config/secret_key")]
    [TestCase(
        Http,
        """{"backend":"http","config":{"base_url":"https://other.example/files","auth":{"user":"u"}}}""",
        "/config/auth/password"
    )]
    [TestCase(
        Http,
        """{"backend":"http","config":{"base_url":"https://dav.example/files","auth":{"user":"v"}}}""",
        "/config/auth/password"
    )]
    public async Task Put_MovedWithoutSecret_422SecretRequired(string before, string after, string pointer)
    {
        using (await PutAsync(before)) { }
        var stored = Stored();
        using var answer = await PutAsync(after);
        var problem = await answer.ProblemAsync(422, "secret_required");
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { pointer }));
        Assert.That(Stored(), Is.EqualTo(stored));
    }

    [TestCase("{}", "/backend required,/config required")]
    [TestCase("""{"backend":"ftp","config":{}}""", "/backend invalid_choice")]
    [TestCase("""{"backend":"local","config":[]}""", "/config invalid_type")]
    [TestCase("""{"backend":"local","config":{}}""", "/config/root required")]
    [TestCase("""{"backend":"local","config":{"root":"srv/files"}}""", "/config/root invalid_path")]
    [TestCase("""{"backend":"local","config":{"root":"/srv/\u0000"}}""", "/config/root invalid_characters")]
    [TestCase(
        """{"backend":"local","config":{"root":"/srv","bucket":"b"},"surprise":1}""",
        "/config/bucket unknown_field,/surprise unknown_field"
    )]
    [TestCase("""{"backend":"local","shared":"yes","config":{"root":"/srv"},"id":"other"}""", "/shared invalid_type,/id mismatch")]
    [TestCase("""{"backend":"s3","config":{}}""", "/config/bucket required,/config/region required")]
    [TestCase(
        """{"backend":"s3","config":{"bucket":"a/b","prefix":"../x","region":"EU","endpoint":"ftp://x"}}""",
        "/config/bucket invalid_bucket,/config/prefix invalid_path,/config/region invalid_region,/config/endpoint invalid_url"
    )]
    [TestCase("""{"backend":"s3","config":{"bucket":"files","endpoint":"https://u:p@x"}}""", "/config/endpoint invalid_url")]
    [TestCase("""{"backend":"s3","config":{"bucket":"files","region":"r","access_key":"AK"}}""", "/config/secret_key required")]
    [TestCase(
        """{"backend":"s3","config":{"bucket":"files","region":"r","access_key":"AK","secret_key":null}}""",
        "/config/secret_key required"
    )]
    [TestCase("""{"backend":"s3","config":{"bucket":"files","region":"r","secret_key":"x"}}""", "/config/access_key required")]
    [TestCase("""{"backend":"http","config":{}}""", "/config/base_url required")]
    [TestCase("""{"backend":"http","config":{"base_url":"https://x/?q=1"}}""", "/config/base_url invalid_url")]
    [TestCase("""{"backend":"http","config":{"base_url":"file:///etc"}}""", "/config/base_url invalid_url")]
    [TestCase("""{"backend":"http","config":{"base_url":"https://x","auth":{}}}""", "/config/auth invalid_auth")]
    [TestCase(
        """{"backend":"http","config":{"base_url":"https://x","auth":{"user":"a:b","password":""}}}""",
        "/config/auth/user invalid_auth"
    )]
    [TestCase(
        """{"backend":"http","config":{"base_url":"https://x","auth":{"header":"Host","value":"v"}}}""",
        "/config/auth/header reserved_header"
    )]
    [TestCase(
        """{"backend":"http","config":{"base_url":"https://x","auth":{"header":"X-Key","value":"ü"}}}""",
        "/config/auth/value invalid_auth"
    )]
    [TestCase(
        """{"backend":"http","config":{"base_url":"https://x","auth":{"bearer":"b","user":"u","password":"p"}}}""",
        "/config/auth invalid_auth"
    )]
    public async Task Put_Mistakes_EachWithPointerAndCode(string body, string expected)
    {
        using var answer = await PutAsync(body);
        var problem = await answer.JsonAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(422), problem.ToString());
        Assert.That(
            problem.GetProperty("errors").EnumerateArray().Select(e => $"{e.GetProperty("pointer")} {e.GetProperty("code")}"),
            Is.EquivalentTo(expected.Split(','))
        );
        Assert.That(_host.Configuration.Values<Volume>(), Is.Empty);
    }

    [TestCase(Local, "/config/root")]
    [TestCase("""{"backend":"s3","config":{"bucket":"files","region":"eu-central-1"}}""", "/config/access_key")]
    [TestCase("""{"backend":"http","shared":true,"config":{"base_url":"https://x"}}""", "/shared")]
    public void Bind_WithoutTheAdminKey_NamesTheField(string body, string pointer)
    {
        var members = new MemberReader(System.Text.Json.JsonElement.Parse(body));
        VolumeFields.Noun.Fields.Bind(members, VolumeFields.Noun.New("acme", "main"), null);
        Assert.That(members.Errors.Select(e => (e.Pointer, e.Code)), Is.EqualTo(new[] { (pointer, "admin_only") }));
    }

    [TestCase("""{"backend":"s3","config":{"bucket":"files","region":"r","access_key":"AK","secret_key":"s3cr3t-words\n"}}""")]
    [TestCase("""{"backend":"http","config":{"base_url":"https://u:s3cr3t-words@x"}}""")]
    public async Task Put_Refused_SecretIsNeitherEchoedNorLogged(string body)
    {
        using var answer = await PutAsync(body);
        Assert.That((int)answer.StatusCode, Is.EqualTo(422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Not.Contain("s3cr3t"));
        Assert.That(_host.Logged.Lines.Select(l => l.Text), Has.None.Contains("s3cr3t"));
    }

    [Test]
    public async Task Put_SharedElsewhereUnderThisId_422()
    {
        await _host.AddAsync(
            "acme",
            "main",
            new Volume
            {
                Tenant = "acme",
                Id = "main",
                Shared = true,
                Config = new VolumeConfig.Local("/srv"),
            }
        );
        using (await PutAsync(Local, "other")) { }
        using var answer = await PutAsync("""{"backend":"local","config":{"root":"/srv/files"},"shared":true}""");
        var problem = await answer.ProblemAsync(422, "taken");
        Assert.That(problem.Pointers(), Is.EqualTo(new[] { "/shared" }));
    }
}
