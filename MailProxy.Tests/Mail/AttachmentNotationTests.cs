using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

public sealed class AttachmentNotationTests
{
    private const string Md5 = "0123456789abcdef0123456789ABCDEF";

    private static readonly string Sha256 = new('a', 64);

    [TestCase("docs:2030/a b.pdf", "InVolume docs:2030/a b.pdf")]
    [TestCase("docs:a:b.pdf", "InVolume docs:a:b.pdf")]
    [TestCase("docs:%.pdf", "InVolume docs:%.pdf")]
    [TestCase("docs:100%25.pdf", "InVolume docs:100%25.pdf")]
    [TestCase("docs:..a/b...", "InVolume docs:..a/b...")]
    [TestCase("docs:Größe.pdf", "InVolume docs:Größe.pdf")]
    [TestCase("https://files.example/a%20b.pdf?sig=x%2Fy", "Url https://files.example/a%20b.pdf")]
    [TestCase("HTTP://Files.Example:8080/a", "Url http://files.example:8080/a")]
    [TestCase("http://[2001:db8::1]/a", "Url http://[2001:db8::1]/a")]
    [TestCase("https://münchen.example/a#part", "Url https://xn--mnchen-3ya.example/a")]
    [TestCase("/srv/mail/a.pdf", "AbsolutePath /srv/mail/a.pdf")]
    [TestCase("invoice-17", "Endpoint attachment endpoint: invoice-17")]
    [TestCase("C:\\files\\a.pdf", "Endpoint attachment endpoint: C:\\files\\a.pdf")]
    [TestCase(":a", "Endpoint attachment endpoint: :a")]
    public void Read_ByItsForm_IsThatPlaceInBothNotations(string text, string place)
    {
        foreach (
            var draft in new[]
            {
                new AttachmentDraft { Filename = "a", Source = text },
                new AttachmentDraft { Filename = "a", StoragePath = text },
            }
        )
        {
            var read = AttachmentNotation.Read(draft, 3);

            Assert.That(read.Errors, Is.Empty);
            Assert.That($"{read.Fetched!.Place.GetType().Name} {read.Fetched.Place}", Is.EqualTo(place));
            Assert.That(read.Fetched.Index, Is.EqualTo(3));
        }
    }

    [TestCase("endpoint", "docs:a.pdf", "Endpoint")]
    [TestCase("endpoint", "/a.pdf", "Endpoint")]
    [TestCase("endpoint", "https://x.example/a", "Endpoint")]
    [TestCase("storage", "http:a", "InVolume")]
    [TestCase("filesystem", "/a:b", "AbsolutePath")]
    [TestCase("http_url", "https://x.example/a", "Url")]
    public void Read_ModeGiven_DecidesTheKind(string mode, string path, string kind) =>
        Assert.That(
            AttachmentNotation
                .Read(
                    new()
                    {
                        Filename = "a",
                        StoragePath = path,
                        FetchMode = mode,
                    },
                    0
                )
                .Fetched?.Place.GetType()
                .Name,
            Is.EqualTo(kind)
        );

    [TestCase("base64:AAEC", null, "AAEC")]
    [TestCase("base64:AAEC", "base64", "AAEC")]
    [TestCase("AAEC", "base64", "AAEC")]
    [TestCase("base64:", null, "")]
    public void Read_OldBase64_IsInline(string path, string? mode, string content)
    {
        var draft = new AttachmentDraft
        {
            Filename = "a",
            StoragePath = path,
            FetchMode = mode,
        };

        Assert.Multiple(() =>
        {
            Assert.That(AttachmentNotation.Read(draft, 0).Inline.ToString(), Is.EqualTo(content));
            Assert.That(AttachmentNotation.Inline(draft).ToString(), Is.EqualTo(content));
            Assert.That(AttachmentNotation.CountFetched(new() { Attachments = [draft] }), Is.Zero);
        });
    }

    [Test]
    public void Read_EverythingGiven_IsInTheRef()
    {
        var read = AttachmentNotation.Read(
            new()
            {
                Filename = "a",
                Source = "https://x.example/a",
                Sha256 = Sha256,
                ContentMd5 = Md5,
                Size = 7,
                Auth = new() { Bearer = "t" },
            },
            0
        );

        Assert.Multiple(() =>
        {
            Assert.That(read.Errors, Is.Empty);
            Assert.That(read.Fetched!.Sha256, Is.EqualTo(Convert.FromHexString(Sha256)));
            Assert.That(read.Fetched.Md5, Is.EqualTo(Convert.FromHexString(Md5)));
            Assert.That(read.Fetched.Size, Is.EqualTo(7));
            Assert.That(read.Fetched.Auth, Is.EqualTo(new SourceAuth.Bearer("t")));
        });
    }

    [TestCase("report_{MD5:" + Md5 + "}.pdf", "report.pdf")]
    [TestCase("report.pdf{MD5:" + Md5 + "}", "report.pdf")]
    [TestCase("{md5:" + Md5 + "}_report.pdf", "report.pdf")]
    [TestCase("a {MD5:" + Md5 + "} b.pdf", "a b.pdf")]
    [TestCase("{MD5:" + Md5 + "}", "attachment")]
    [TestCase("report{MD5:12}.pdf", "report{MD5_12}.pdf")]
    public void FileName_Marker_IsRemoved(string name, string clean)
    {
        var draft = new AttachmentDraft { Filename = name, StoragePath = "docs:a" };

        Assert.That(AttachmentNotation.FileName(draft), Is.EqualTo(clean));
        if (name.Contains(Md5))
            Assert.That(AttachmentNotation.Read(draft, 0).Fetched!.Md5, Is.EqualTo(Convert.FromHexString(Md5)));
    }

    [Test]
    public void Equality_SamePlaceAndCredentials_AreOneSource()
    {
        AttachmentRef Of(string url, string token) =>
            AttachmentNotation
                .Read(
                    new()
                    {
                        Filename = "a",
                        Source = url,
                        Auth = new() { Bearer = token },
                    },
                    0
                )
                .Fetched!;

        Assert.Multiple(() =>
        {
            Assert.That(Of("https://X.example/a#1", "t").Place, Is.EqualTo(Of("https://x.example/a#2", "t").Place));
            Assert.That(
                Of("https://X.example/a#1", "t").Place.GetHashCode(),
                Is.EqualTo(Of("https://x.example/a#2", "t").Place.GetHashCode())
            );
            Assert.That(Of("https://x.example/a?1", "t").Place, Is.Not.EqualTo(Of("https://x.example/a?2", "t").Place));
            Assert.That(Of("https://x.example/A", "t").Place, Is.Not.EqualTo(Of("https://x.example/a", "t").Place));
            Assert.That(Of("https://x.example/a", "t").Auth, Is.EqualTo(Of("https://x.example/b", "t").Auth));
            Assert.That(Of("https://x.example/a", "t").Auth, Is.Not.EqualTo(Of("https://x.example/a", "u").Auth));
        });
    }

    [Test]
    public void ToString_NeverSaysSecrets()
    {
        var read = AttachmentNotation.Read(
            new()
            {
                Filename = "a",
                Source = "https://x.example/a?signature=geheim",
                Auth = new() { User = "u", Password = "geheim" },
            },
            0
        );

        Assert.Multiple(() =>
        {
            Assert.That(read.Fetched!.ToString(), Does.Contain("https://x.example/a").And.Not.Contain("geheim"));
            Assert.That(read.ToString(), Does.Not.Contain("geheim"));
            Assert.That(new SourceAuthDraft { Password = "geheim" }.ToString(), Does.Not.Contain("geheim"));
        });
    }
}
