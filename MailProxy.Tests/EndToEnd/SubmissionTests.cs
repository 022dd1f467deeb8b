using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using MimeKit;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Ways in: a key that makes a repetition harmless, many at once, a line each, and one that is large.</summary>
[TestFixture]
internal sealed class SubmissionTests : DaemonFixture
{
    private const string Good = """{"id":"good-ID","from":"a@example.com","to":"b@example.com","text":"x"}""";
    private const string Bad = """{"id":"bad","from":"a@example.com","to":"no address","text":"x"}""";

    protected override (string Name, string Value)[] Settings => [("Retention:Content", "1d")];

    [Test]
    public async Task IdempotencyKey_ReplayedOverARestart_AnswersTheSameAndSendsOnce()
    {
        const string mail = """{"from":"a@example.com","to":"b@example.com","text":"x"}""";
        var first = await PostAsync("/v1/messages", mail, key: "order-7");
        Assert.That(first.Status, Is.EqualTo(HttpStatusCode.Accepted));
        await _daemon.UntilAsync((string)JsonNode.Parse(first.Body)!["id"]!, EventType.MessageSent);
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(_directory, ("Retention:Content", "1d"));

        var again = await PostAsync("/v1/messages", mail, key: "order-7");
        Assert.That(again, Is.EqualTo(first with { Replayed = "true" }));
        var other = await PostAsync("/v1/messages", mail.Replace("\"x\"", "\"y\"", StringComparison.Ordinal), key: "order-7");
        Assert.That(other.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That(other.Body, Does.Contain("idempotency_key_reused"));
        Assert.That((await _daemon.GetAsync("/v1/messages"))["data"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task IdempotencyKey_OfARefusal_IsNotRemembered()
    {
        Assert.That((await PostAsync("/v1/messages", Bad, key: "k")).Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity));
        Assert.That((await PostAsync("/v1/messages", Good, key: "k")).Status, Is.EqualTo(HttpStatusCode.Accepted));
    }

    [Test]
    public async Task IdempotencyKey_ManyAtOnce_StoreOneMessage()
    {
        const string mail = """{"from":"a@example.com","to":"b@example.com","text":"x"}""";
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => PostAsync("/v1/messages", mail, key: "same")));
        Assert.That(answers.Select(a => a.Status), Is.All.AnyOf(HttpStatusCode.Accepted, HttpStatusCode.Conflict));
        Assert.That(
            answers.Where(a => a.Status == HttpStatusCode.Accepted).Select(a => a.Body).Distinct().ToArray(),
            Has.Length.EqualTo(1)
        );
        Assert.That((await _daemon.GetAsync("/v1/messages"))["data"]!.AsArray(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Batch_GoodAndBad_QueuesTheGoodAndPointsAtTheBad()
    {
        var items = $"{Good.Replace("-ID", "1", StringComparison.Ordinal)},{Bad},{Good.Replace("-ID", "2", StringComparison.Ordinal)}";
        var answer = await PostAsync("/v1/messages/batch", $$$"""{"messages":[{{{items}}}],"defaults":{"subject":"all","tags":["t"]}}""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);

        var results = JsonNode.Parse(answer.Body)!["results"]!.AsArray();
        Assert.That(results.Select(r => (int)r!["index"]!), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That((string)results[1]!["error"]!["errors"]![0]!["pointer"]!, Is.EqualTo("/messages/1/to"));
        foreach (var id in new[] { "good1", "good2" })
            await _daemon.UntilAsync(id, EventType.MessageSent);
        Assert.That((string)(await _daemon.GetAsync("/v1/messages/good2"))["subject"]!, Is.EqualTo("all"));
        using var bad = await _daemon.Http.GetAsync("/v1/messages/bad");
        Assert.That(bad.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Ndjson_ManyLinesSomeBad_AnswersALineEach()
    {
        var lines = Enumerable
            .Range(0, 300)
            .Select(n =>
                n % 10 == 3 ? Bad
                : n % 10 == 4 ? "{not json"
                : Good.Replace("-ID", $"{n}", StringComparison.Ordinal)
            );
        var answer = await PostAsync("/v1/messages/batch", string.Join('\n', lines) + "\n", "application/x-ndjson");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);

        var results = answer.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToArray();
        Assert.That(results.Select(r => (int)r["index"]!), Is.EqualTo(Enumerable.Range(0, 300)));
        Assert.That(
            results.Where(r => r["error"] is not null).Select(r => (int)r["index"]! % 10).Distinct(),
            Is.EquivalentTo(new[] { 3, 4 })
        );
        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, 240);
    }

    [Test]
    public async Task Attachment_OfTenMegabytes_ArrivesIntactFromItsSpoolFile()
    {
        var content = new byte[10 << 20];
        new Random(20).NextBytes(content);
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await PostLargeAsync(content);
        Assert.That(Spool(), Has.Length.EqualTo(1));
        Assert.That(new FileInfo(Spool()[0]).Length, Is.GreaterThan(content.Length));

        // The file lasts as long as the row that names it: over a restart, and after the sending, since raw can be asked for.
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(_directory, ("Retention:Content", "1d"));
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await _daemon.UntilAsync("large", EventType.MessageSent);

        var caught = (await _daemon.GetAsync("/v1/sandbox/messages"))["data"]![0]!;
        var got = await _daemon.Http.GetByteArrayAsync($"/v1/sandbox/messages/{caught["id"]}/raw");
        using var stream = new MemoryStream(got);
        var attachment = (MimePart)(await MimeMessage.LoadAsync(stream)).Attachments.Single();
        using var decoded = new MemoryStream();
        await attachment.Content!.DecodeToAsync(decoded);
        Assert.That(attachment.FileName, Is.EqualTo("Zehn Größe.bin"));
        Assert.That(decoded.ToArray().AsSpan().SequenceEqual(content), Is.True);
        Assert.That((await _daemon.Http.GetByteArrayAsync("/v1/messages/large/raw")).AsSpan().SequenceEqual(got), Is.True);
    }

    [Test]
    public async Task Attachment_ReplacedBySomethingSmall_ItsSpoolFileGoes()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await PostLargeAsync(new byte[1 << 20]);
        Assert.That(Spool(), Has.Length.EqualTo(1));

        await _daemon.PostAsync(
            new
            {
                id = "large",
                from = "a@example.com",
                to = "b@example.com",
                text = "small",
            }
        );
        await Eventually.BecomesAsync(
            async () =>
            {
                // It goes after a later commit.
                await _daemon.PostAsync(
                    new
                    {
                        from = "a@example.com",
                        to = "b@example.com",
                        text = "later",
                    }
                );
                return Spool().Length;
            },
            left => left == 0
        );
    }

    [Test]
    public async Task Spool_WithAFileThatNoRowNames_IsSweptAtTheStart()
    {
        await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await PostLargeAsync(new byte[1 << 20]);
        var named = Spool().Single();
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        await File.WriteAllTextAsync(Path.Combine(_directory, "spool", "orphan"), "x");
        await File.WriteAllTextAsync(Path.Combine(_directory, "spool", "half.part"), "x");

        _daemon = await TestDaemon.StartAsync(_directory, ("Retention:Content", "1d"));
        Assert.That(Spool(), Is.EqualTo(new[] { named }));
    }

    private string[] Spool() => Directory.GetFiles(Path.Combine(_directory, "spool"));

    private Task<string> PostLargeAsync(byte[] content) =>
        _daemon.PostAsync(
            new
            {
                id = "large",
                from = "a@example.com",
                to = "b@example.com",
                text = "see attachment",
                attachments = new[]
                {
                    new
                    {
                        filename = "Zehn Größe.bin",
                        content_type = "application/octet-stream",
                        content = Convert.ToBase64String(content),
                    },
                },
            }
        );

    private async Task<Answered> PostAsync(string path, string body, string type = "application/json", string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(type)),
        };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        using var answer = await _daemon.Http.SendAsync(request);
        return new(
            answer.StatusCode,
            await answer.Content.ReadAsStringAsync(),
            answer.Headers.TryGetValues("Idempotent-Replayed", out var values) ? values.Single() : null
        );
    }

    private sealed record Answered(HttpStatusCode Status, string Body, string? Replayed);
}
