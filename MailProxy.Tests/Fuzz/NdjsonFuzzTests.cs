using System.Net.Http.Headers;
using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Api;
using NUnit.Framework;

namespace MailProxy.Tests.Fuzz;

/// <summary>Lines of NDJSON mean the same whether their long strings stay in memory or go to files while they arrive.</summary>
internal sealed class NdjsonFuzzTests
{
    [Test]
    public async Task Lines_AnyBytes_AreAnsweredAndBoundAsInMemory()
    {
        var random = FuzzSeed.Random(51);
        var maker = new LongRequestMaker(random);
        List<string> inMemory = [],
            inFiles = [];
        await using var plain = await StartAsync(int.MaxValue / 2, inMemory);
        await using var cutting = await StartAsync(150, inFiles);
        var cuts = 0;
        for (var round = FuzzSeed.Rounds(3_000); round > 0; round--)
        {
            var body = maker.Lines();
            inMemory.Clear();
            inFiles.Clear();
            var expected = await AnswerAsync(plain, body, random);
            var found = await AnswerAsync(cutting, body, random);

            var shown = Encoding.UTF8.GetString(body);
            Assert.That(found, Is.EqualTo(expected), shown);
            Assert.That(inFiles.Select(static draft => draft.TrimStart('*')), Is.EqualTo(inMemory), shown);
            Assert.That(Directory.GetFiles(cutting.Scratch), Is.Empty, shown);
            cuts += inFiles.Count(static draft => draft.StartsWith('*'));
        }

        Assert.That(cuts, Is.GreaterThan(300), "most of this would be idle");
    }

    private static Task<ApiHost> StartAsync(int threshold, List<string> seen) =>
        ApiHost.StartAsync(
            new()
            {
                Configure = static o => (o.NdjsonChunkMessages, o.NdjsonChunkBytes) = (2, 1_500),
                Limits = new() { SpoolThreshold = threshold, MaxMessages = 5 },
                Behind = submission =>
                {
                    seen.AddRange(submission.Drafts.Select(Meaning));
                    submission.DropFiles();
                    ApiHost.StoreAll(submission);
                    return ValueTask.CompletedTask;
                },
            }
        );

    private static async Task<string> AnswerAsync(ApiHost host, byte[] body, Random random)
    {
        using var content = new StreamContent(new Dripping(body, random));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        using var answer = await host.Client.PostAsync("/v1/messages/batch", content);
        var text = await answer.Content.ReadAsStringAsync();
        return $"{(int)answer.StatusCode} {System.Text.RegularExpressions.Regex.Replace(text, "\"request_id\":\"[^\"]*\"", "")}";
    }

    // Everything that may be long, in one text; it begins with a star when something of it is in a file.
    private static string Meaning(Draft draft)
    {
        if (draft.Mail is not { } mail)
            return draft.Problem!.Code;
        string?[] texts = [mail.Text, mail.Html];
        string?[] base64 = [mail.Raw, .. mail.Attachments?.Select(static a => a?.Content) ?? []];
        var meant =
            $"{mail.Id}|{string.Join('|', texts.Select(t => Text(draft, t)))}|{string.Join('|', base64.Select(b => Octets(draft, b)))}";
        return draft.Spooled is null ? meant : "*" + meant;
    }

    private static string Text(Draft draft, string? written) =>
        draft.Spooled?.Find(written) is { } found ? Encoding.UTF8.GetString(Read(draft, found)) : written ?? "-";

    private static string Octets(Draft draft, string? written)
    {
        if (draft.Spooled?.Find(written) is { } found)
            return found.IsValid ? Convert.ToHexString(Read(draft, found)) : "no base64";
        if (written is null)
            return "-";
        return Base64Text.IsValid(written, out _) ? Convert.ToHexString(Convert.FromBase64String(written)) : "no base64";
    }

    private static byte[] Read(Draft draft, SpooledString found)
    {
        var octets = new byte[found.Length];
        draft.Spooled!.File.Read(found.Offset, octets);
        return octets;
    }

    // A body that comes in pieces of any size.
    private sealed class Dripping(byte[] body, Random random) : MemoryStream(body)
    {
        private readonly int _most = 1 + random.Next(400);

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Some(count));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Some(buffer.Length)]);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Some(buffer.Length)], cancellationToken);

        private int Some(int most) => Math.Min(most, 1 + random.Next(_most));
    }
}
