using System.Security.Cryptography;
using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Send;
using MimeKit;
using MimeKit.Cryptography;
using NUnit.Framework;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.OpenSsl;
using Org.BouncyCastle.Security;

namespace MailProxy.Tests.Send;

internal sealed class DkimSigningTests
{
    private const string Rich =
        """{"from":"Åsa <a@x.example>","to":"b@y.example","subject":"Grüße","text":"ü  \n\n","html":"<p>ü","attachments":[{"filename":"b.pdf","content":"AAEC"}],"headers":{"List-Unsubscribe":"<https://x.example/u>"}}""";
    private static readonly string Raw =
        $$"""{"to":"b@y.example","raw":"{{Convert.ToBase64String("From: a@x.example\nSubject: s\nContent-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none \t two\n--b--\nepilogue\n\n\n"u8)}}"}""";

    [Test]
    public async Task Compose_WithRsaKey_VerifiesAndIsTheSameEveryTime([Values] bool raw)
    {
        using var rsa = RSA.Create(2048);
        var key = new DkimKey("x.example", "s1", rsa.ExportPkcs8PrivateKeyPem());
        var first = Compose(raw ? Raw : Rich, key);

        Assert.That(first, Does.StartWith("DKIM-Signature:"));
        Assert.That(Compose(raw ? Raw : Rich, key), Is.EqualTo(first));
        Assert.That(await VerifiesAsync(first, DotNetUtilities.GetRsaPublicKey(rsa)), Is.True);
        Assert.That(
            await VerifiesAsync(first.Replace("Subject:", "Subject: x", StringComparison.Ordinal), DotNetUtilities.GetRsaPublicKey(rsa)),
            Is.False
        );
    }

    [Test]
    public async Task Compose_WithEd25519Key_Verifies()
    {
        var generator = new Ed25519KeyPairGenerator();
        generator.Init(new Ed25519KeyGenerationParameters(new SecureRandom()));
        var pair = generator.GenerateKeyPair();
        using var pem = new StringWriter();
        using (var writer = new PemWriter(pem))
            writer.WriteObject(new Pkcs8Generator(pair.Private));

        var text = Compose(Rich, new("x.example", "s1", pem.ToString()));

        Assert.That(text, Does.Contain("a=ed25519-sha256"));
        Assert.That(await VerifiesAsync(text, pair.Public), Is.True);
    }

    [Test]
    public void Compose_InternationalDomain_SignsWithALabels()
    {
        using var rsa = RSA.Create(2048);
        var text = Compose(Rich, new("mu\u0308nchen.example", "schlüssel", rsa.ExportPkcs8PrivateKeyPem()));

        Assert.That(text, Does.Contain("d=xn--mnchen-3ya.example;").And.Contain("s=xn--schlssel-95a;"));
        Assert.That(Ascii.IsValid(text), Is.True);
    }

    [TestCase("no key")]
    [TestCase("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")]
    public void Compose_KeyIsBroken_BlamesTheKey(string pem) =>
        Assert.That(() => Compose(Rich, new("x.example", "s1", pem)), Throws.TypeOf<DkimKeyException>());

    private static string Compose(string json, DkimKey key)
    {
        using var rendered = new MimeComposer(new()).Compose(Sample.Content(json), [], [], new(key, []));
        return Encoding.UTF8.GetString(rendered.Bytes.Span);
    }

    private static async Task<bool> VerifiesAsync(string text, AsymmetricKeyParameter key)
    {
        var message = await MimeMessage.LoadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)));
        return await new DkimVerifier(new OneKey(key)).VerifyAsync(
            message,
            message.Headers[HeaderId.DkimSignature] is null ? null! : message.Headers[message.Headers.IndexOf(HeaderId.DkimSignature)]
        );
    }

    private sealed class OneKey(AsymmetricKeyParameter key) : IDkimPublicKeyLocator
    {
        public AsymmetricKeyParameter LocatePublicKey(
            string methods,
            string domain,
            string selector,
            CancellationToken cancellationToken = default
        ) => key;

        public Task<AsymmetricKeyParameter> LocatePublicKeyAsync(
            string methods,
            string domain,
            string selector,
            CancellationToken cancellationToken = default
        ) => Task.FromResult(key);
    }
}
