using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>What is refused when an account is put, and how that is told.</summary>
[TestFixture]
public sealed class AccountMistakeTests
{
    private const string Plain =
        """{"host":"smtp.example","port":587,"security":"starttls","auth":{"user":"u","password":"s3cr3t-words"}}""";

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private Task<HttpResponseMessage> PutAsync(string body, string id = "main") => _host.SendAsync("PUT", $"/v1/accounts/{id}", body);

    [TestCase("""{}""", "/host required,/port required,/security required")]
    [TestCase("""{"host":"a b","port":0,"security":"ssl"}""", "/host invalid_host,/port out_of_range,/security invalid_choice")]
    [TestCase("""{"host":"x\r\nQUIT","port":25,"security":"none"}""", "/host invalid_characters")]
    [TestCase("""{"host":5,"port":"25","security":1}""", "/host invalid_type,/port out_of_range,/security invalid_choice")]
    [TestCase("""{"host":"x","port":65536,"security":"none"}""", "/port out_of_range")]
    [TestCase("""{"host":"x","port":25.5,"security":"none"}""", "/port out_of_range")]
    [TestCase("""{"host":"x","port":25,"security":"none","verify_certificate":"yes"}""", "/verify_certificate invalid_type")]
    [TestCase("""{"host":"x","port":25,"security":"none","surprise":1,"a/b~":2}""", "/surprise unknown_field,/a~1b~0 unknown_field")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{}}""", "/auth/user required")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":[]}""", "/auth invalid_type")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{"user":"u","password":""}}""", "/auth/password required")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{"user":"u","pass":"p"}}""", "/auth/pass unknown_field")]
    [TestCase(
        """{"host":"x","port":25,"security":"none","limits":{"per_hour":0,"per_day":-1,"burst":5}}""",
        "/limits/per_hour out_of_range,/limits/per_day out_of_range,/limits/burst needs_limit"
    )]
    [TestCase("""{"host":"x","port":25,"security":"none","limits":{"per_hour":5,"burst":5,"paced":false}}""", "/limits/burst needs_limit")]
    [TestCase(
        """{"host":"x","port":25,"security":"none","limits":{"paced":1,"warm_up":{"start":"1.12.2026","daily":[]}}}""",
        "/limits/paced invalid_type,/limits/warm_up/start invalid_date,/limits/warm_up/daily out_of_range"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","limits":{"warm_up":{"daily":[10,0,1.5,"9"],"end":1}}}""",
        "/limits/warm_up/start required,/limits/warm_up/daily/1 invalid_entry,/limits/warm_up/daily/2 invalid_entry,"
            + "/limits/warm_up/daily/3 invalid_entry,/limits/warm_up/end unknown_field"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","limits":{"destinations":{"a b":{"per_hour":1},"x.example":{},"X.Example":{"per_hour":1}}}}""",
        "/limits/destinations/a b invalid_domain,/limits/destinations/x.example/per_hour required,/limits/destinations/X.Example duplicate"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","limits":{"destinations":{"x.example":5,"*":{"per_hour":0,"count":"messages"}}}}""",
        "/limits/destinations/x.example invalid_type,/limits/destinations/*/per_hour out_of_range,"
            + "/limits/destinations/*/per_hour required,/limits/destinations/*/count unknown_field"
    )]
    [TestCase("""{"host":"x","port":25,"security":"none","limits":{"destinations":[]}}""", "/limits/destinations invalid_type")]
    [TestCase(
        """{"host":"x","port":25,"security":"none","limits":{"count":"bytes","when_reached":"drop","per_week":1}}""",
        "/limits/count invalid_choice,/limits/when_reached invalid_choice,/limits/per_week unknown_field"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","max_connections":101,"max_messages_per_connection":0,"max_recipients":1001}""",
        "/max_connections out_of_range,/max_messages_per_connection out_of_range,/max_recipients out_of_range"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","pipelining":"on","chunking":65}""",
        "/pipelining invalid_choice,/chunking out_of_range"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","pipelining":true,"chunking":-1}""",
        "/pipelining invalid_choice,/chunking out_of_range"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","dkim":{}}""",
        "/dkim/domain required,/dkim/selector required,/dkim/private_key required"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","dkim":{"domain":"x.example","selector":"s","private_key":"no pem"}}""",
        "/dkim/private_key invalid_key"
    )]
    [TestCase(
        """{"host":"x","port":25,"security":"none","from_allowed":["a@x.example","nobody",7,"@"]}""",
        "/from_allowed/1 invalid_entry,/from_allowed/2 invalid_entry,/from_allowed/3 invalid_entry"
    )]
    [TestCase("""{"sandbox":true,"host":"x","auth":{"user":"u"}}""", "/host not_allowed,/auth not_allowed")]
    [TestCase("""{"host":"x","port":25,"security":"none","id":"other"}""", "/id mismatch")]
    public async Task Put_Mistakes_EachWithPointerAndCode(string body, string expected)
    {
        using var answer = await PutAsync(body);
        var problem = await answer.JsonAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(422), problem.ToString());
        Assert.That(
            problem.GetProperty("errors").EnumerateArray().Select(e => $"{e.GetProperty("pointer")} {e.GetProperty("code")}"),
            Is.EquivalentTo(expected.Split(','))
        );
        Assert.That(_host.Configuration.Values<SmtpAccount>(), Is.Empty);
    }

    [TestCase("{")]
    [TestCase("[]")]
    [TestCase("""{"host":"a","host":"b"}""")]
    [TestCase("""{"host":"\ud800","port":25,"security":"none"}""")]
    public async Task Put_Malformed_400(string body)
    {
        using var answer = await PutAsync(body);
        await answer.ProblemAsync(400, "malformed");
    }

    [TestCase("""{"auth":{"user":"u","password":"s3cr3t-words" oops""")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{"user":"u","password":"s3cr3t-words\r\n"}}""")]
    [TestCase("""{"host":"x","port":25,"security":"none","auth":{"user":"u","password":{"a":"s3cr3t-words"}}}""")]
    public async Task Put_Refused_SecretIsNeitherEchoedNorLogged(string body)
    {
        using var answer = await PutAsync(body);
        Assert.That((int)answer.StatusCode, Is.AnyOf(400, 422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Not.Contain("s3cr3t"));
        Assert.That(_host.Logged.Lines.Select(l => l.Text), Has.None.Contains("s3cr3t"));
    }

    [TestCase("with%20blank")]
    [TestCase("-first")]
    [TestCase("with.dot")]
    [TestCase("a%0A")]
    public async Task Put_WrongId_422(string id)
    {
        using var answer = await PutAsync(Plain, id);
        await answer.ProblemAsync(422, "invalid_id");
    }

    [Test]
    public async Task Put_TooLarge_413()
    {
        using var answer = await PutAsync($$"""{"description":"{{new string('x', 300_000)}}"}""");
        await answer.ProblemAsync(413, "too_large");
    }

    [Test]
    public async Task Put_NotJson_415()
    {
        using var answer = await _host.SendAsync("PUT", "/v1/accounts/main", Plain, "text/plain");
        await answer.ProblemAsync(415, "unsupported_media_type");
    }

    [Test]
    public async Task Put_StoreCannotWrite_503()
    {
        _host.Configuration.Fault = new StoreUnavailableException("disk full");
        using var answer = await PutAsync(Plain);
        await answer.ProblemAsync(503, "store_unavailable");
    }
}
