using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Ingest;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.Fuzz;

/// <summary>
/// What a request is judged to be, and what is sent, does not depend on whether its long strings went to a file: the same
/// request is taken in
/// memory and, in pieces of any size, through a file.
/// </summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class LongStringsFuzzTests
{
    private static readonly IngestOptions Options = new();

    private readonly SubmissionRules _rules = Rules.With(Rules.Account(1, "main") with { LargeFiles = new(290, LargeFileAction.Reject) });
    private DirectoryInfo _directory = null!;

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("mailproxy-long-");

    [TearDown]
    public void RemoveDirectory() => _directory.Delete(recursive: true);

    [Test]
    public async Task Message_AnyBytes_IsJudgedAndSentAsInMemory() => await CompareAsync(RequestShape.Message, 4_000);

    [Test]
    public async Task Batch_AnyBytes_IsJudgedAndSentAsInMemory() => await CompareAsync(RequestShape.Batch, 4_000);

    private async Task CompareAsync(RequestShape shape, int rounds)
    {
        var random = FuzzSeed.Random(50);
        var maker = new LongRequestMaker(random);
        var cuts = 0;
        for (var round = FuzzSeed.Rounds(rounds); round > 0; round--)
        {
            var json = shape == RequestShape.Message ? maker.Message() : maker.Batch();
            var whole = Open(shape, json, null);
            using var cut = new LongStrings(shape, random.Next(200), 36, () => new(_directory.FullName));
            var left = await CutAsync(json, cut, random);
            cuts += cut.All.Count;
            var pieces = Open(shape, left, cut);
            var shown = Encoding.UTF8.GetString(json);

            Assert.That(Shown(pieces.Problem), Is.EqualTo(Shown(whole.Problem)), shown);
            if (whole.Problem is not null)
                continue;
            var (expected, found) = (whole.Bind(), pieces.Bind());
            Assert.That(found.Drafts, Has.Count.EqualTo(expected.Drafts.Count), shown);
            for (var i = 0; i < expected.Drafts.Count; i++)
                await CompareAsync(expected.Drafts[i], found.Drafts[i], shown);
        }

        Assert.That(cuts, Is.GreaterThan(rounds / 10), "most of this would be idle");
        Assert.That(_directory.EnumerateFiles("*" + SpoolDraft.Suffix), Is.Empty);
    }

    private async Task CompareAsync(Draft expected, Draft found, string shown)
    {
        var (inMemory, inFile) = (Judge(expected), Judge(found));
        Assert.That(Shown(inFile.Problem), Is.EqualTo(Shown(inMemory.Problem)), shown);
        Assert.That(inFile.Id, Is.EqualTo(inMemory.Id), shown);
        if (inMemory.Mail is not { } mail)
            return;
        if (mail.ContentHash is not null)
        {
            Assert.That(inFile.Mail!.ContentHash, Is.EqualTo(mail.ContentHash), shown);
            Assert.That(inFile.Mail.HashAsWritten, Is.EqualTo(mail.HashAsWritten), shown);
        }

        Assert.That(inFile.Mail!.Subject, Is.EqualTo(mail.Subject), shown);

        var stored = Send.Sample.Content("") with { Json = inFile.Mail.Body.Inline };
        if (found.Spooled is { } spooled)
        {
            var name = await spooled.File.FinishAsync(inFile.Mail.Body.Inline);
            var (json, body) = await new SpoolFiles(_directory.FullName).ReadAsync(name);
            Assert.That(json.ToArray(), Is.EqualTo(inFile.Mail.Body.Inline.ToArray()));
            stored = stored with { Json = json, Spooled = body };
        }

        var (sent, files) = (Render(Send.Sample.Content("") with { Json = mail.Body.Inline }), Render(stored));
        if (expected.Mail!.Raw is not null)
            Assert.That(files, Is.EqualTo(sent), shown);
        else
            Assert.That(Parts(files), Is.EqualTo(Parts(sent)), shown);
    }

    private AcceptedLine Judge(Draft draft) => _rules.Judge("default", draft, Rules.Now, () => Rules.NextId);

    private static OpenedMessages Open(RequestShape shape, ReadOnlyMemory<byte> json, LongStrings? cut) =>
        shape == RequestShape.Message ? OpenedMessages.One(json, Options, cut) : OpenedMessages.Batch(json, Options, cut);

    private static async Task<ReadOnlyMemory<byte>> CutAsync(byte[] json, LongStrings cut, Random random)
    {
        var buffer = new byte[json.Length];
        var (filled, most) = (0, 1 + random.Next(200));
        for (var at = 0; at < json.Length; )
        {
            var piece = json.AsSpan(at, Math.Min(json.Length - at, 1 + random.Next(most)));
            piece.CopyTo(buffer.AsSpan(filled));
            at += piece.Length;
            filled = cut.Take(buffer, filled + piece.Length);
            await cut.FlushAsync();
        }

        cut.End();
        return buffer.AsMemory(0, filled);
    }

    private static string Shown(Problem? problem) =>
        problem is null
            ? ""
            : $"{problem.Status} {problem.Code} {problem.Detail} {string.Join(' ', problem.Errors.Select(static e => e.ToString()))}";

    private static string Render(MailContent content)
    {
        using var mail = new MimeComposer(new()).Compose(content, [], [], null);
        using var octets = new MemoryStream();
        using (var read = mail.OpenRead())
            read.CopyTo(octets);
        Assert.That(octets.Length, Is.EqualTo(mail.Length));
        var check = new WireCheck();
        check.Next(octets.ToArray());
        check.End();
        return $"{mail.EightBit} {mail.NeedsSmtpUtf8} {Encoding.Latin1.GetString(octets.ToArray())}";
    }

    // How a part is encoded may differ, and a text that goes as it is ends with a line end.
    private static string Parts(string rendered)
    {
        var mail = MimeMessage.Load(
            new MemoryStream(Encoding.Latin1.GetBytes(rendered[(rendered.IndexOf(' ', rendered.IndexOf(' ') + 1) + 1)..]))
        );
        var shown = new StringBuilder(
            string.Join(
                '\n',
                mail.Headers.Where(static h => !h.Field.StartsWith("Content-", StringComparison.Ordinal))
                    .Select(static h => $"{h.Field}: {h.Value}")
            )
        );
        foreach (var part in mail.BodyParts)
        {
            shown.Append('\n').Append(part.ContentType.MimeType).Append(part.ContentDisposition?.FileName);
            var content = part is TextPart text ? text.Text.TrimEnd('\r', '\n') : Encoded(part);
            shown.Append('\n').Append(content);
        }

        return shown.ToString();
    }

    private static string Encoded(MimeEntity part)
    {
        using var octets = new MemoryStream();
        if (part is MimePart { Content: not null } leaf)
            leaf.Content.DecodeTo(octets);
        else if (part is MessagePart message)
            message.Message?.WriteTo(octets);
        return Convert.ToHexString(octets.ToArray());
    }
}
