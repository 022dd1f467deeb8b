using System.Security.Cryptography;
using System.Text.Json;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

[TestFixture]
internal sealed class LargeFileTests
{
    [Test]
    public async Task Of_InlineAndFetched_EachWithSizeAndContent()
    {
        using var directory = new TempDirectory();
        var content = LinkRig.Bytes(777);
        var digest = ContentDigest.Of(SHA256.HashData(content), MD5.HashData(content));
        var path = Path.Combine(directory, digest.FileName);
        await File.WriteAllBytesAsync(path, content);
        using var local = new LocalContent(path, content.Length, null);
        var draft = Draft(
            """
            [{"filename":"a.txt","content":"SGVsbG8="},{"filename":"b{MD5:5d41402abc4b2a76b9719d911017c592}.pdf","source":"https://x/b","content_type":"application/x-b"},
             {"filename":"c.png","content":"SGVsbG8h","inline_id":"logo"},{"filename":"d","source":"https://x/d"}]
            """
        );

        var files = LargeFile.Of(draft, [null, local, null, null]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                files.Select(f => (f.Index, f.Name, f.ContentType, f.Size, f.Inline)),
                Is.EqualTo(
                    new (int, string, string?, long, bool)[]
                    {
                        (0, "a.txt", "text/plain", 5, false),
                        (1, "b.pdf", "application/x-b", 777, false),
                        (2, "c.png", "image/png", 6, true),
                    }
                )
            );
            Assert.That(Read(files[0]), Is.EqualTo("Hello"u8.ToArray()));
            Assert.That(Read(files[1]), Is.EqualTo(content));
            Assert.That(files[1].Sha256, Is.EqualTo(SHA256.HashData(content)));
            Assert.That(files[0].Sha256, Is.Null);
        }
    }

    [TestCase("")]
    [TestCase("SA==")]
    [TestCase("SGU=")]
    [TestCase("SGVs")]
    public void Of_Inline_SizeIsThatOfTheContent(string base64)
    {
        var file = LargeFile.Of(Draft($$"""[{"filename":"a","content":"{{base64}}"}]"""), []).Single();
        Assert.That(file.Size, Is.EqualTo(Convert.FromBase64String(base64).Length));
        Assert.That(Read(file), Has.Length.EqualTo(file.Size));
    }

    private static MailDraft Draft(string attachments) =>
        JsonSerializer.Deserialize($$"""{"from":"a@x","to":"b@x","text":"x","attachments":{{attachments}}}""", MailJson.Default.MailDraft)!;

    private static byte[] Read(LargeFile file)
    {
        using var content = file.Open();
        using var bytes = new MemoryStream();
        content.CopyTo(bytes);
        return bytes.ToArray();
    }
}
