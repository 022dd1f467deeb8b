using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Send.Tokens;
using NUnit.Framework;

namespace MailProxy.Tests.Send.Tokens;

/// <summary>What is posted, for each way to get a token, and that the signatures hold.</summary>
internal sealed class TokenGrantTests
{
    private const long Now = 1_800_000_000;

    private static readonly RSA Rsa = RSA.Create(2_048);

    [OneTimeTearDown]
    public void End() => Rsa.Dispose();

    public static string KeyFile() =>
        new JsonObject
        {
            ["type"] = "service_account",
            ["client_email"] = "mail@project.iam.example",
            ["private_key_id"] = "key-1",
            ["private_key"] = Rsa.ExportPkcs8PrivateKeyPem(),
        }.ToJsonString();

    public static JsonElement Claims(string assertion) => Part(assertion, 1);

    [Test]
    public void Microsoft_WithASecret_AsksForTheClientItself() =>
        Assert.That(
            Form(
                new()
                {
                    Preset = OAuthPreset.Microsoft,
                    TenantId = "t",
                    ClientId = "c",
                    ClientSecret = "s",
                }
            ),
            Is.EqualTo(
                new Dictionary<string, string>
                {
                    ["grant_type"] = "client_credentials",
                    ["scope"] = "https://outlook.office365.com/.default",
                    ["client_id"] = "c",
                    ["client_secret"] = "s",
                }
            )
        );

    [Test]
    public void Google_WithARefreshToken_UsesIt() =>
        Assert.That(
            Form(
                new()
                {
                    Preset = OAuthPreset.Google,
                    ClientId = "c",
                    ClientSecret = "s",
                    RefreshToken = "first",
                },
                "now"
            ),
            Is.EqualTo(
                new Dictionary<string, string>
                {
                    ["grant_type"] = "refresh_token",
                    ["refresh_token"] = "now",
                    ["client_id"] = "c",
                    ["client_secret"] = "s",
                }
            )
        );

    [TestCase(null, "box@x.example")]
    [TestCase("other@x.example", "other@x.example")]
    public void Google_WithAServiceAccount_SignsForTheMailbox(string? subject, string expected)
    {
        var form = Form(
            new()
            {
                Preset = OAuthPreset.Google,
                ServiceAccountKey = KeyFile(),
                Subject = subject,
            }
        );
        Assert.That(form["grant_type"], Is.EqualTo("urn:ietf:params:oauth:grant-type:jwt-bearer"));
        AssertSigned(form["assertion"]);
        Assert.That(Part(form["assertion"], 0).GetProperty("kid").GetString(), Is.EqualTo("key-1"));
        var claims = Claims(form["assertion"]);
        Assert.That(claims.GetProperty("iss").GetString(), Is.EqualTo("mail@project.iam.example"));
        Assert.That(claims.GetProperty("sub").GetString(), Is.EqualTo(expected));
        Assert.That(claims.GetProperty("aud").GetString(), Is.EqualTo("https://oauth2.googleapis.com/token"));
        Assert.That(claims.GetProperty("scope").GetString(), Is.EqualTo("https://mail.google.com/"));
        Assert.That(claims.GetProperty("exp").GetInt64() - claims.GetProperty("iat").GetInt64(), Is.InRange(60, 3_600));
    }

    [Test]
    public void Microsoft_WithAKey_NamesItsCertificate()
    {
        var request = new CertificateRequest("CN=mailproxy", Rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var form = Form(
            new()
            {
                Preset = OAuthPreset.Microsoft,
                TenantId = "t",
                ClientId = "c",
                PrivateKey = $"{certificate.ExportCertificatePem()}\n{Rsa.ExportRSAPrivateKeyPem()}",
            }
        );
        Assert.That(form["grant_type"], Is.EqualTo("client_credentials"));
        AssertSigned(form["client_assertion"]);
        Assert.That(
            Part(form["client_assertion"], 0).GetProperty("x5t").GetString(),
            Is.EqualTo(Base64Url.EncodeToString(certificate.GetCertHash(HashAlgorithmName.SHA1)))
        );
        Assert.That(Claims(form["client_assertion"]).GetProperty("jti").GetString(), Is.EqualTo("unique"));
    }

    [Test]
    public void Other_WithAKeyAndASubject_ActsForTheSubject()
    {
        var form = Form(
            new()
            {
                TokenUrl = new("https://login.example/t"),
                ClientId = "c",
                Scope = "mail",
                Subject = "ann",
                PrivateKey = Convert.ToBase64String(Rsa.ExportPkcs8PrivateKey()),
            }
        );
        AssertSigned(form["assertion"]);
        Assert.That((Claims(form["assertion"]).GetProperty("iss").GetString(), form["scope"]), Is.EqualTo(("c", "mail")));
    }

    private static Dictionary<string, string> Form(OAuthLogin login, string? refresh = null) =>
        TokenGrant.Form(login, "box@x.example", refresh, Now, "unique").ToDictionary();

    private static JsonElement Part(string assertion, int index)
    {
        using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(assertion.Split('.')[index]));
        return json.RootElement.Clone();
    }

    private static void AssertSigned(string assertion)
    {
        var parts = assertion.Split('.');
        Assert.That(
            Rsa.VerifyData(
                Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"),
                Base64Url.DecodeFromChars(parts[2]),
                HashAlgorithmName.SHA256,
                RSASignaturePadding.Pkcs1
            ),
            Is.True
        );
    }
}
