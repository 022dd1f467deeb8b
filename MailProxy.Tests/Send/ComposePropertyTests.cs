using System.Text;
using System.Text.Json;
using CsCheck;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>Whatever is written into a mail, its readers read it: MimeKit, and Debian's Python.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class ComposePropertyTests
{
    [Test]
    public void Compose_AnyMail_KeepsItsLinesAndReadsBackWithMimeKit() =>
        ComposeGen.Mail.Sample(
            draft =>
            {
                var (mail, international) = Composed(draft);
                MailLines.Check(mail, international);
                AssertRead(draft, MimeMessage.Load(new MemoryStream(mail)));
                Assert.That(Composed(draft).Mail, Is.EqualTo(mail), "the same in every attempt");
            },
            iter: 1_500
        );

    [Test]
    public async Task Compose_AnyMail_ReadsBackWithPython()
    {
        var drafts = new List<MailDraft>();
        ComposeGen.Mail.Sample(drafts.Add, iter: 400, threads: 1);
        var read = await PythonEmail.ReadAsync(drafts.Select(static draft => Composed(draft).Mail));
        Assert.That(read, Has.Count.EqualTo(drafts.Count));
        for (var i = 0; i < read.Count; i++)
            AssertRead(drafts[i], read[i], Shown(Composed(drafts[i]).Mail));
    }

    private static (byte[] Mail, bool International) Composed(MailDraft draft)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(draft, MailJson.Default.MailDraft);
        using var rendered = new MimeComposer(new()).Compose(Sample.Content() with { Json = json }, [], [], null);
        return (rendered.Bytes.ToArray(), rendered.NeedsSmtpUtf8);
    }

    private static string Shown(byte[] mail) => Encoding.UTF8.GetString(mail.AsSpan(0, Math.Min(mail.Length, 3_000)));

    private static void AssertRead(MailDraft draft, MimeMessage read)
    {
        // It drops blanks at both ends, encoded ones too.
        Assert.That(read.Headers[HeaderId.Subject]?.Trim(), Is.EqualTo(draft.Subject!.Trim()));
        foreach (var (name, value) in draft.Headers ?? [])
            Assert.That(read.Headers[name]?.Trim(), Is.EqualTo(value.Trim()), name);
        Assert.That(
            read.To.Mailboxes.Select(static m => m.Name ?? ""),
            Is.EqualTo(Addresses.ReadAll(draft.To).Select(static m => m.Name ?? ""))
        );
        Assert.That(
            read.To.Mailboxes.Select(static m => Canonical(m.Address)),
            Is.EqualTo(Addresses.ReadAll(draft.To).Select(static m => m.Address))
        );
        var leaves = Leaves(read.Body!).ToList();
        foreach (var (expected, at) in Expected(draft).Select(static (part, i) => (part, i)))
        {
            var part = leaves[at];
            if (expected.Text is { } text)
                Assert.That(Lines(((TextPart)part).Text), Is.EqualTo(text));
            else
                Assert.That(Decoded(part), Is.EqualTo(expected.Octets));
            Assert.That(part.ContentDisposition?.FileName ?? part.ContentType.Name, Is.EqualTo(expected.FileName));
        }

        Assert.That(leaves, Has.Count.EqualTo(Expected(draft).Count));
    }

    private static void AssertRead(MailDraft draft, JsonElement read, string mail)
    {
        Assert.That(read.GetProperty("subject").GetString(), Is.EqualTo(draft.Subject), mail);

        // The older way to read it, which knows no UTF-8 but in words, and drops blanks at line ends and, between words and text, beside
        // a parenthesis or a backslash.
        if (!Composed(draft).International)
            Assert.That(AsOlder(read.GetProperty("old").GetString()!), Is.EqualTo(AsOlder(draft.Subject!)), mail);
        var headers = read.GetProperty("headers").EnumerateArray().ToLookup(static h => h[0].GetString()!, static h => h[1].GetString());
        foreach (var (name, value) in draft.Headers ?? [])
            Assert.That(headers[name], Is.EqualTo(new[] { value }), mail);

        // This Python puts blanks between the encoded words of a name, and makes one of several (its issue 35547).
        var boxes = read.GetProperty("boxes")
            .GetProperty("To")
            .EnumerateArray()
            .Select(static box => (Name: Solid(box[0].GetString()!), Address: box[1].GetString()!))
            .ToList();
        Assert.That(
            boxes.Select(static box => box.Name),
            Is.EqualTo(Addresses.ReadAll(draft.To).Select(static m => Solid(m.Name ?? ""))),
            mail
        );
        Assert.That(
            boxes.Select(static box => Canonical(box.Address)),
            Is.EqualTo(Addresses.ReadAll(draft.To).Select(static m => m.Address)),
            mail
        );
        var leaves = Leaves(read.GetProperty("body")).ToList();
        foreach (var (expected, at) in Expected(draft).Select(static (part, i) => (part, i)))
        {
            if (expected.Text is { } text)
                Assert.That(Lines(leaves[at].GetProperty("text").GetString()!), Is.EqualTo(text), mail);
            else if (expected.Octets is { } octets && leaves[at].GetProperty("octets").GetString() is { } base64)
                Assert.That(Convert.FromBase64String(base64), Is.EqualTo(octets), mail);
            Assert.That(leaves[at].GetProperty("filename").GetString()?.Trim(), Is.EqualTo(expected.FileName?.Trim()), mail);
        }

        Assert.That(leaves, Has.Count.EqualTo(Expected(draft).Count), mail);
    }

    // In the order in which they stand: bodies, what is inline behind the HTML, then the files.
    private static List<(string? Text, byte[]? Octets, string? FileName)> Expected(MailDraft draft)
    {
        var parts = new List<(string?, byte[]?, string?)>();
        var others = draft.Alternatives ?? [];
        var inline = draft.Attachments!.FindAll(file => file.InlineId is not null && draft.Html is not null);
        parts.Add((Lines(draft.Text!), null, null));
        parts.AddRange(others.Where(static o => o.ContentType == "text/x-amp-html").Select(Alternative));
        if (draft.Html is { } html)
            parts.Add((Lines(html), null, null));
        parts.AddRange(inline.Select(File));
        parts.AddRange(others.Where(static o => o.ContentType != "text/x-amp-html").Select(Alternative));
        parts.AddRange(draft.Attachments.Except(inline).Select(File));
        return parts;
    }

    private static (string?, byte[]?, string?) Alternative(AlternativeDraft other) =>
        other.ContentType!.StartsWith("text/", StringComparison.Ordinal)
            ? (Lines(other.Content!), null, null)
            : (null, Encoding.UTF8.GetBytes(other.Content!), null);

    private static (string?, byte[]?, string?) File(AttachmentDraft file) => (null, Whole(file), AttachmentNotation.FileName(file));

    // A message that goes out unencoded is a message again for its reader, who may write it in other octets.
    private static byte[]? Whole(AttachmentDraft file)
    {
        var octets = Convert.FromBase64String(file.Content!);
        return file.ContentType!.StartsWith("message/", StringComparison.Ordinal) && SevenBitText.Of(octets) is not null ? null : octets;
    }

    private static IEnumerable<MimeEntity> Leaves(MimeEntity entity) => entity is Multipart group ? group.SelectMany(Leaves) : [entity];

    private static IEnumerable<JsonElement> Leaves(JsonElement part) =>
        part.GetProperty("type").GetString()!.StartsWith("multipart/", StringComparison.Ordinal)
            ? part.GetProperty("parts").EnumerateArray().SelectMany(Leaves)
            : [part];

    private static byte[]? Decoded(MimeEntity entity)
    {
        if (entity is not MimePart part || entity.ContentType.IsMimeType("message", "*"))
            return null;
        using var octets = new MemoryStream();
        part.Content!.DecodeTo(octets);
        return octets.ToArray();
    }

    // Line ends are one thing in text, and the last one is the transport's.
    private static string Lines(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').TrimEnd('\n');

    private static string OneBlank(string text) =>
        string.Join(' ', text.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).Trim();

    private static string AsOlder(string text) =>
        @"()\".Aggregate(OneBlank(text), static (so, c) => so.Replace($" {c}", $"{c}").Replace($"{c} ", $"{c}"));

    private static string Solid(string text) => string.Concat(text.Where(static c => !char.IsWhiteSpace(c)));

    private static string Canonical(string address) => Addresses.ReadBare(address, out var mailbox) is null ? mailbox.Address : address;
}
