using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Send;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Mail whose attachments are files: rendered without them, whole on the wire.</summary>
internal sealed class FetchedFileTests
{
    private const string TwoFiles = """
        {"from":"a@x.example","to":"b@y.example","text":"t\n.dot","html":"<img src=\"cid:i\">","attachments":[
          {"filename":"big é.bin","source":"store:a/big.bin"},{"filename":"x.txt","content":"aGk="},{"filename":"i.png","inline_id":"i","source":"https://x.example/i.png?key=secret"}]}
        """;

    private readonly TempDirectory _directory = new();

    [OneTimeTearDown]
    public void TearDown() => _directory.Dispose();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(56)]
    [TestCase(57)]
    [TestCase(58)]
    [TestCase(18_240)]
    [TestCase(1_000_003)]
    public void OpenRead_WithFiles_IsTheWholeMail(int size)
    {
        var (big, small) = (Content(size, 1), Content(300, 2));
        using var rendered = Compose(TwoFiles, big, small);

        var octets = Read(rendered);
        Assert.That(octets, Has.Length.EqualTo(rendered.Length));
        Assert.That(octets.AsSpan().EndsWith("\r\n"u8), Is.True);
        var message = MimeMessage.Load(new MemoryStream(octets));
        var parts = message.BodyParts.OfType<MimePart>().ToDictionary(static p => p.FileName ?? p.ContentType.MimeType);
        Assert.That(Decoded(parts["big é.bin"]), Is.EqualTo(big));
        Assert.That(Decoded(parts["i.png"]), Is.EqualTo(small));
        Assert.That(parts["i.png"].ContentId, Is.EqualTo("i"));
        Assert.That(Decoded(parts["x.txt"]), Is.EqualTo("hi"u8.ToArray()));
    }

    [Test]
    public void OpenRead_Seeking_ReadsTheSameOctets()
    {
        using var rendered = Compose(TwoFiles, Content(50_000, 3), Content(10, 4));
        var whole = Read(rendered);
        using var stream = rendered.OpenRead();
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var at = random.Next(whole.Length);
            var piece = new byte[Math.Min(random.Next(1, 5_000), whole.Length - at)];
            stream.Position = at;
            stream.ReadExactly(piece);
            Assert.That(whole.AsSpan(at, piece.Length).SequenceEqual(piece), Is.True, $"at {at}");
        }
    }

    [Test]
    public void Compose_WithFiles_HoldsNoneOfThemInMemory()
    {
        using var rendered = Compose(TwoFiles, Content(5_000_000, 5), Content(10, 6));
        Assert.That(rendered.BufferLength, Is.LessThan(4_000));
        Assert.That(rendered.Length, Is.GreaterThan(6_800_000));
    }

    [Test]
    public void Next_WithFiles_GivesTheOctetsWithDotsStuffed()
    {
        var lines = string.Concat(Enumerable.Range(0, 20_000).Select(static i => i % 7 == 0 ? ".x\\n" : "..\\n"));
        using var rendered = Compose(
            $$"""{"from":"a@x.example","to":"b@y.example","text":"{{lines}}","attachments":[{"filename":"f","source":"v:f"}]}""",
            Content(100_000, 8)
        );

        var wire = new ArrayBufferWriter<byte>();
        using var blocks = new WireBlocks(rendered);
        while (blocks.Next(wire))
        {
            // Each call adds a block.
        }

        var expected = Encoding.ASCII.GetString(Read(rendered)).Replace("\r\n.", "\r\n..", StringComparison.Ordinal);
        Assert.That(Encoding.ASCII.GetString(wire.WrittenSpan), Is.EqualTo(expected));
    }

    [Test]
    public void Read_FileThatShrank_Throws()
    {
        using var rendered = Compose(TwoFiles, Content(50_000, 9), Content(10, 10));
        File.WriteAllBytes(rendered.Files[1].Path, [1]);
        Assert.That(() => Read(rendered), Throws.InstanceOf<EndOfStreamException>());
    }

    [Test]
    public void Compose_WithoutItsFiles_NamesTheSourceAndNoSecret()
    {
        using var rendered = new MimeComposer(new()).Compose(Sample.Content(TwoFiles), [], [], null);
        var text = Encoding.ASCII.GetString(Read(rendered));
        Assert.That(
            text,
            Does.Contain("message/external-body")
                .And.Contain("store:a/big.bin")
                .And.Contain("https://x.example/i.png")
                .And.Not.Contain("secret")
        );
    }

    private RenderedMail Compose(string json, params byte[][] contents)
    {
        // The mail's inline part stands before the plain attachments, but files are given by the attachment's place.
        var files = contents.Select(content => new LocalContent(Write(content), content.Length, null)).ToList();
        LocalContent?[] places = files.Count == 2 ? [files[0], null, files[1]] : [files[0]];
        return new MimeComposer(new()).Compose(Sample.Content(json), places, [], null);
    }

    private string Write(byte[] content)
    {
        var path = Path.Combine(_directory.Path, Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(path, content);
        return path;
    }

    private static byte[] Content(int size, int seed)
    {
        var content = new byte[size];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static byte[] Read(RenderedMail mail)
    {
        using var stream = mail.OpenRead();
        using var whole = new MemoryStream();
        stream.CopyTo(whole);
        return whole.ToArray();
    }

    private static byte[] Decoded(MimePart part)
    {
        using var content = new MemoryStream();
        part.Content?.DecodeTo(content);
        return content.ToArray();
    }
}
