using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>Accounts that log in with tokens, over HTTP: what is refused, what is kept, what never comes out.</summary>
[TestFixture]
public sealed class OAuthMistakeTests
{
    private static readonly string Pem = NewKey(2_048);

    private ApiHost _host = null!;

    [SetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private SmtpAccount Stored => _host.Configuration.Values<SmtpAccount>().Single();

    [TestCase("""{"preset":"yahoo","client_id":"c","client_secret":"x"}""", "preset invalid_choice,token_url required")]
    [TestCase("""{"preset":"microsoft","client_id":"c","client_secret":"x"}""", "tenant_id required")]
    [TestCase("""{"preset":"microsoft","tenant_id":"a/b","client_id":"c","client_secret":"x"}""", "tenant_id invalid_tenant_id")]
    [TestCase("""{"preset":"microsoft","tenant_id":"t"}""", "client_id required,client_secret required")]
    [TestCase("""{"preset":"google","client_id":"c","client_secret":"x"}""", "refresh_token required")]
    [TestCase("""{"preset":"google","tenant_id":"t","client_id":"c","refresh_token":"x"}""", "tenant_id needs_preset")]
    [TestCase("""{"client_id":"c","client_secret":"x"}""", "token_url required")]
    [TestCase("""{}""", "token_url required,client_id required,client_secret required")]
    [TestCase("""{"token_url":"http://login.example/t","client_id":"c","client_secret":"x"}""", "token_url insecure_url")]
    [TestCase("""{"token_url":"http://192.0.2.1/t","client_id":"c","client_secret":"x"}""", "token_url insecure_url")]
    [TestCase("""{"token_url":"ftp://login.example","client_id":"c","client_secret":"x"}""", "token_url invalid_url")]
    [TestCase("""{"token_url":"https://login.example/?a=b","client_id":"c","client_secret":"x"}""", "token_url invalid_url")]
    [TestCase("""{"token_url":"https://x.example","client_id":"c","private_key":"no pem"}""", "private_key invalid_key")]
    [TestCase("""{"token_url":"https://x.example","client_id":"c","client_secret":""}""", "client_secret required")]
    [TestCase("""{"preset":"google","service_account_key":"{}"}""", "service_account_key invalid_key")]
    [TestCase("""{"preset":"google","service_account_key":{"type":"authorized_user"}}""", "service_account_key invalid_key")]
    [TestCase("""{"preset":"google","service_account_key":7}""", "service_account_key invalid_type")]
    [TestCase("""{"token_url":"https://x.example","client_id":"c","client_secret":"x","grant":"password"}""", "grant unknown_field")]
    public async Task Put_Mistakes_EachWithPointerAndCode(string oauth, string expected) =>
        Assert.That(await MistakesAsync(oauth), Is.EquivalentTo(expected.Split(',').Select(one => "/auth/oauth2/" + one)));

    [TestCase("http://127.0.0.1:9/token")]
    [TestCase("http://localhost/token")]
    [TestCase("http://10.1.2.3/token")]
    public async Task Put_EndpointInTheClearWhereNobodyElseIs_IsTaken(string url) =>
        Assert.That(await MistakesAsync($$"""{"token_url":"{{url}}","client_id":"c","client_secret":"x"}"""), Is.Empty);

    [Test]
    public async Task Put_TwoKindsOfSecret_IsRefused()
    {
        var both = new JsonObject
        {
            ["token_url"] = "https://x.example",
            ["client_id"] = "c",
            ["client_secret"] = "x",
            ["private_key"] = Pem,
        };
        Assert.That(await MistakesAsync(both.ToJsonString()), Is.EqualTo(new[] { "/auth/oauth2/private_key conflict" }));

        using var answer = await _host.SendAsync(
            "PUT",
            "/v1/accounts/main",
            """
            {"host":"smtp.example","port":587,"security":"starttls","auth":{"user":"u","password":"p",
             "oauth2":{"token_url":"https://x.example","client_id":"c","client_secret":"x"}}}
            """
        );
        Assert.That(Mistakes(await answer.JsonAsync()), Is.EqualTo(new[] { "/auth/password conflict" }));
    }

    [Test]
    public async Task Put_KeysOfMicrosoftAndOfGoogle_AreJudgedByWhatTheProviderWants()
    {
        var alone = new JsonObject
        {
            ["preset"] = "microsoft",
            ["tenant_id"] = "t",
            ["client_id"] = "c",
            ["private_key"] = Pem,
        };
        Assert.That(await MistakesAsync(alone.ToJsonString()), Is.EqualTo(new[] { "/auth/oauth2/private_key certificate_required" }));
        using var rsa = RSA.Create(2_048);
        var request = new CertificateRequest("CN=mailproxy", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        alone["private_key"] = $"{rsa.ExportPkcs8PrivateKeyPem()}\n{certificate.ExportCertificatePem()}\n";
        Assert.That(await MistakesAsync(alone.ToJsonString()), Is.Empty);

        var file = new JsonObject
        {
            ["type"] = "service_account",
            ["client_email"] = "m@p.example",
            ["private_key"] = Pem,
        };
        var google = new JsonObject { ["preset"] = "google", ["service_account_key"] = file.DeepClone() };
        Assert.That(await MistakesAsync(google.ToJsonString()), Is.Empty, "as an object");
        google["service_account_key"] = file.ToJsonString();
        Assert.That(await MistakesAsync(google.ToJsonString()), Is.Empty, "as text");
        google["client_secret"] = "x";
        Assert.That(await MistakesAsync(google.ToJsonString()), Is.EqualTo(new[] { "/auth/oauth2/client_secret conflict" }));
        Assert.That(Stored.OAuth!.Endpoint!.Host, Is.EqualTo("oauth2.googleapis.com"));
    }

    [Test]
    public async Task Put_WithoutTheSecret_KeepsIt_UntilItWouldGoElsewhere()
    {
        const string Whole = """{"preset":"microsoft","tenant_id":"t","client_id":"c","client_secret":"s3cr3t-words"}""";
        Assert.That(await MistakesAsync(Whole), Is.Empty);
        var kept = Whole.Replace(",\"client_secret\":\"s3cr3t-words\"", "", StringComparison.Ordinal);
        Assert.That(await MistakesAsync(kept), Is.Empty);
        Assert.That(Stored.OAuth!.ClientSecret, Is.EqualTo("s3cr3t-words"));
        Assert.That(await MistakesAsync(kept.Replace("}", ",\"scope\":\"https://x.example/.default\"}")), Is.Empty);

        string[] again = ["/auth/oauth2/client_secret secret_required", "/auth/oauth2/client_secret required"];
        Assert.That(await MistakesAsync(kept.Replace("\"t\"", "\"other\"")), Is.SubsetOf(again).And.Not.Empty);
        Assert.That(await MistakesAsync(kept.Replace("\"c\"", "\"other\"")), Is.SubsetOf(again).And.Not.Empty);
        Assert.That(await MistakesAsync(kept.Replace("}", ",\"token_url\":\"https://evil.example\"}")), Is.SubsetOf(again).And.Not.Empty);
        Assert.That(await MistakesAsync(kept, user: "other"), Is.SubsetOf(again).And.Not.Empty);
        Assert.That(await MistakesAsync(kept, host: "evil.example"), Is.SubsetOf(again).And.Not.Empty);
        Assert.That(await MistakesAsync(kept, security: "none"), Is.SubsetOf(again).And.Not.Empty);
        var removed = kept.Replace("}", ",\"client_secret\":null}");
        Assert.That(await MistakesAsync(removed), Is.EqualTo(new[] { "/auth/oauth2/client_secret required" }));
        Assert.That(await MistakesAsync(kept.Replace("}", ",\"refresh_token\":\"r\",\"client_secret\":null}")), Is.Empty);
        Assert.That((Stored.OAuth!.ClientSecret, Stored.OAuth.RefreshToken), Is.EqualTo(((string?)null, "r")));
    }

    [Test]
    public async Task Get_SaysWhichSecretsAreSet_AndNoSecret()
    {
        Assert.That(
            await MistakesAsync("""{"preset":"microsoft","tenant_id":"t","client_id":"c","client_secret":"s3cr3t-words"}"""),
            Is.Empty
        );
        using var answer = await _host.SendAsync("GET", "/v1/accounts/main");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That(text, Does.Not.Contain("s3cr3t"));
        using var json = JsonDocument.Parse(text);
        var oauth = json.RootElement.GetProperty("auth").GetProperty("oauth2");
        Assert.That(
            oauth.EnumerateObject().Select(static m => m.Name),
            Is.EqualTo(
                new[]
                {
                    "preset",
                    "tenant_id",
                    "client_id",
                    "client_secret_set",
                    "private_key_set",
                    "service_account_key_set",
                    "refresh_token_set",
                }
            )
        );
        Assert.That(oauth.GetProperty("client_secret_set").GetBoolean(), Is.True);
        Assert.That(json.RootElement.GetProperty("auth").GetProperty("password_set").GetBoolean(), Is.False);
        Assert.That(await MistakesAsync(oauth.GetRawText()), Is.Empty, "what was read can be put back");
        Assert.That(Stored.OAuth!.ClientSecret, Is.EqualTo("s3cr3t-words"));
    }

    [Test]
    public async Task Put_FromPasswordToTokens_TakesThePasswordAway()
    {
        using var first = await _host.SendAsync(
            "PUT",
            "/v1/accounts/main",
            """{"host":"smtp.example","port":587,"security":"starttls","auth":{"user":"u","password":"p"}}"""
        );
        Assert.That(await MistakesAsync("""{"preset":"microsoft","tenant_id":"t","client_id":"c","client_secret":"x"}"""), Is.Empty);
        Assert.That((Stored.Password, Stored.OAuth is not null), Is.EqualTo(((string?)null, true)));
    }

    private async Task<string[]> MistakesAsync(string oauth, string user = "u", string host = "smtp.example", string security = "starttls")
    {
        var body = new JsonObject
        {
            ["host"] = host,
            ["port"] = 587,
            ["security"] = security,
            ["auth"] = new JsonObject { ["user"] = user, ["oauth2"] = JsonNode.Parse(oauth) },
        };
        using var answer = await _host.SendAsync("PUT", "/v1/accounts/main", body.ToJsonString());
        return answer.IsSuccessStatusCode ? [] : Mistakes(await answer.JsonAsync());
    }

    private static string[] Mistakes(JsonElement problem) =>
        [.. problem.GetProperty("errors").EnumerateArray().Select(e => $"{e.GetProperty("pointer")} {e.GetProperty("code")}")];

    private static string NewKey(int bits)
    {
        using var rsa = RSA.Create(bits);
        return rsa.ExportPkcs8PrivateKeyPem();
    }
}
