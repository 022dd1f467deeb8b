using System.Security.Cryptography;
using System.Text;
using CsCheck;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using NUnit.Framework;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.OpenSsl;
using Org.BouncyCastle.Security;

namespace MailProxy.Tests.Send;

/// <summary>Signatures of mail that no parser would write again as it came, judged by python3-dkim.</summary>
internal sealed class DkimOctetsTests
{
    private const int Mails = 200;

    private static readonly string[] Untidy =
    [
        "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n--b--\r\n",
        "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nHello there\r\n--b--\r\n",
        "From: a@x.example\n\n",
        "From: a@x.example\n\n\n\n\n",
        "From: a@x.example\n\n \t \n\n",
        "From: a@x.example\n\nno end",
        "From: a@x.example\n\n lead \t trail \t\n \n.\n..\n",
        "From: a@x.example\nSUBJECT:\n \t folded\n\tagain \nList-Id: <1.x>\nList-Id: <2.x>\n\n\tx\n",
        "From: Bär <a@x.example>\nSubject: grün\n\ngrün\n",
        "From:a@x.example\nTo:\n b@y.example\nCc:\n\t\n c@y.example\n\nx",
    ];

    private static readonly Gen<string> Header = Gen.Select(
        Gen.OneOf("Subject", "TO", "cc", "List-Id", "X-Other", "Content-Type", "Reply-To", "References"),
        Gen.OneOf("", " ", "\t", " a  b\t c ", "\r\n folded", " x\r\n\t y \r\n z", " text/plain; a=\"b\"", " ü"),
        (name, value) => $"{name}:{value}\r\n"
    );

    private static readonly Gen<string> Body = Gen.OneOf(
            "\n",
            "\r\n",
            "\r",
            " ",
            "\t",
            ".",
            "--b",
            "--b--",
            "text",
            "ü",
            "From x",
            "Content-Type: text/html",
            "=3D",
            "  two  "
        )
        .Array[0, 40]
        .Select(pieces => string.Concat(pieces));

    private static readonly Gen<string> Raw = Gen.Select(
        Header.Array[0, 6],
        Body,
        (headers, body) => $"{string.Concat(headers)}From: a@x.example\r\n\r\n{body}"
    );

    [Test]
    public async Task Compose_AnyRaw_IsSignedSoThatOthersVerifyItAndNoFromCanBeAdded()
    {
        using var rsa = RSA.Create(2048);
        var key = new DkimKey("x.example", "s1", rsa.ExportPkcs8PrivateKeyPem());
        var random = new List<string>();
        Raw.Sample(
            raw =>
            {
                lock (random)
                    random.Add(raw);
            },
            iter: Mails
        );
        byte[][] signed = [.. Untidy.Concat(random).Select(raw => Compose(raw, key))];
        var withFrom = signed.Take(20).Select(byte[] (mail) => [.. "From: ceo@y.example\r\n"u8, .. mail]);
        byte[][] spoilt = [.. withFrom, .. signed.Take(20).Select(byte[] (mail) => [.. mail, .. "more\r\n"u8])];

        var verdicts = await DkimPy.VerifyAsync("rsa", Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()), [.. signed, .. spoilt]);

        var bad = verdicts.Take(signed.Length).Index().Where(v => !v.Item).Select(v => Encoding.UTF8.GetString(signed[v.Index]));
        Assert.That(bad, Is.Empty);
        Assert.That(verdicts.Skip(signed.Length), Has.None.True);
    }

    [Test]
    public async Task Compose_MailOfOurOwnAndFiles_VerifiesToo()
    {
        const string rich = """
            {"from":"Åsa <ü@x.example>","to":"b@y.example","subject":"Grüße","text":"ü  \n\n","html":"<p>ü",
             "headers":{"List-Unsubscribe":"<https://x.example/u>","List-Id":"a.x.example"},
             "attachments":[{"filename":"b.pdf","content":"AAEC"},{"filename":"big.bin","source":"store:a/big.bin"}]}
            """;
        using var directory = new TempDirectory();
        using var rsa = RSA.Create(2048);
        var key = new DkimKey("x.example", "s1", rsa.ExportPkcs8PrivateKeyPem());
        var signed = new List<byte[]>();
        foreach (var size in new[] { 0, 1, 56, 57, 58, 100_003 })
        {
            var file = Path.Combine(directory, $"{size}");
            await File.WriteAllBytesAsync(file, RandomNumberGenerator.GetBytes(size));
            using var rendered = new MimeComposer(new()).Compose(Sample.Content(rich), [null, new(file, size, null)], [], new(key, []));
            using var octets = new MemoryStream();
            await rendered.OpenRead().CopyToAsync(octets);
            signed.Add(octets.ToArray());
        }

        Assert.That(await DkimPy.VerifyAsync("rsa", Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()), signed), Has.All.True);
    }

    [Test]
    public async Task Compose_WithEd25519_VerifiesToo()
    {
        var generator = new Ed25519KeyPairGenerator();
        generator.Init(new Ed25519KeyGenerationParameters(new SecureRandom()));
        var pair = generator.GenerateKeyPair();
        using var pem = new StringWriter();
        using (var writer = new PemWriter(pem))
            writer.WriteObject(new Pkcs8Generator(pair.Private));
        var key = new DkimKey("x.example", "s1", pem.ToString());

        byte[][] signed = [.. Untidy.Select(raw => Compose(raw, key))];
        var publicKey = Convert.ToBase64String(((Ed25519PublicKeyParameters)pair.Public).GetEncoded());
        var verdicts = await DkimPy.VerifyAsync("ed25519", publicKey, signed);

        Assert.That(verdicts, Has.All.True);
    }

    private static byte[] Compose(string raw, DkimKey key)
    {
        var json = $$"""{"to":"b@y.example","raw":"{{Convert.ToBase64String(Encoding.UTF8.GetBytes(raw))}}"}""";
        using var rendered = new MimeComposer(new()).Compose(Sample.Content(json), [], [], new(key, []));
        return rendered.Bytes.ToArray();
    }
}
