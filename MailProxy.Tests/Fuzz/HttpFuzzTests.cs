using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Fuzz;

/// <summary>
/// Thousands of requests that are nearly right: never a 5xx, every refusal in words, nothing stored from a refused request, no header
/// smuggled in; and what was taken is sent or refused like any mail.
/// </summary>
[TestFixture]
internal sealed class HttpFuzzTests
{
    private const int Requests = 4_000;

    // Kestrel's own, before there is a request that could be answered in words.
    private const int UriTooLong = 414;

    [Test]
    public async Task Requests_NearlyRight_NeverBreakTheDaemon()
    {
        using var directory = new TempDirectory();
        await using var daemon = await TestDaemon.StartAsync(directory, ("Log:Level", "Fatal"), ("Drain:GraceSeconds", "1"));
        await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
        await daemon.PostAsync(
            new
            {
                id = "known",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        using var reader = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = Path.Combine(directory, "mailproxy.db"),
                Mode = SqliteOpenMode.ReadOnly,
                Pooling = false,
            }.ToString()
        );
        reader.Open();

        var maker = new RequestMaker(FuzzSeed.Random(20_261_122));
        var statuses = new SortedDictionary<int, int>();
        var stored = Stored(reader);
        for (var round = FuzzSeed.Rounds(Requests); round > 0; round--)
        {
            var thrown = maker.Next();
            var (status, type, body) = await ThrowAsync(daemon.Http, thrown);
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
            Assert.That(status, Is.LessThan(500), $"{body}\nof {thrown}");
            if (status >= 400 && status != UriTooLong && thrown.Method != "HEAD")
                AssertProblem(status, type, body, thrown);

            var now = Stored(reader);
            var added = Accepted(status, thrown, type, body);
            Assert.That(
                now - stored,
                added is { } exactly ? Is.EqualTo(exactly) : Is.GreaterThanOrEqualTo(0),
                $"{status} {body}\nof {thrown}"
            );
            stored = now;
        }

        TestContext.Out.WriteLine(string.Join(", ", statuses.Select(s => $"{s.Value} × {s.Key}")) + $"; {stored} stored");
        Assert.That(stored, Is.GreaterThan(100), "else the requests are too wrong to find anything");
        await AssertAllGoAsync(daemon);
        await daemon.StopAsync();
    }

    // Raw is composed as it is sent. Then everything leaves the queue: nobody's message is stuck.
    private static async Task AssertAllGoAsync(TestDaemon daemon)
    {
        var ids = new List<string>();
        string? cursor = null;
        do
        {
            var page = await daemon.GetAsync($"/v1/messages?limit=500{(cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor))}");
            ids.AddRange(page["data"]!.AsArray().Select(m => (string)m!["id"]!));
            cursor = (string?)page["next_cursor"];
        } while (cursor is not null);

        foreach (var id in ids)
        {
            using var answer = await daemon.Http.GetAsync($"/v1/messages/{Uri.EscapeDataString(id)}/raw");
            if ((int)answer.StatusCode == 410)
                continue;
            var raw = await answer.Content.ReadAsStringAsync();
            Assert.That((int)answer.StatusCode, Is.EqualTo(200), $"raw of {id}: {raw}");
            var head = raw[..raw.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
            Assert.That(
                head.Split(["\r\n", "\n", "\r"], StringSplitOptions.None),
                Has.None.StartsWith(RequestWords.Injected + ": yes"),
                raw
            );
        }

        await daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await Eventually.BecomesAsync(
            async () =>
                (await daemon.GetAsync("/v1/messages?status=queued&limit=1"))["data"]!.AsArray().Count
                + (await daemon.GetAsync("/v1/messages?status=sending&limit=1"))["data"]!.AsArray().Count,
            left => left == 0
        );
        using var ready = await daemon.Http.GetAsync("/health/ready");
        Assert.That((int)ready.StatusCode, Is.EqualTo(200));
    }

    private static void AssertProblem(int status, string? type, string body, ThrownRequest thrown)
    {
        Assert.That(type, Is.EqualTo("application/problem+json"), $"{status} {body}\nof {thrown}");
        var problem = JsonNode.Parse(body)!;
        Assert.That((int)problem["status"]!, Is.EqualTo(status));
        Assert.That((string?)problem["code"], Does.Match("^[a-z0-9_]+$"), $"{body}\nof {thrown}");
        Assert.That((string?)problem["request_id"], Is.Not.Empty, $"{body}\nof {thrown}");
    }

    // How many rows more there may be; null: some ids may have come again.
    private static int? Accepted(int status, ThrownRequest thrown, string? type, string body)
    {
        if (thrown.Method != "POST" || status is not (200 or 202) || !thrown.Path.StartsWith("/v1/messages", StringComparison.Ordinal))
            return 0;
        if (type is not ("application/json" or "application/x-ndjson") || status == 202)
            return null;
        if (thrown.Path.Split('?')[0] is not ("/v1/messages" or "/v1/messages/batch"))
            return 0;
        var results =
            type == "application/json"
                ? JsonNode.Parse(body)!["results"]!.AsArray()
                : [.. body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l))];
        return results.All(r => r!["error"] is not null) ? 0 : null;
    }

    private static async Task<(int Status, string? Type, string Body)> ThrowAsync(HttpClient http, ThrownRequest thrown)
    {
        using var request = new HttpRequestMessage(new HttpMethod(thrown.Method), thrown.Path);
        if (thrown.Body is not null)
        {
            request.Content = new ByteArrayContent(thrown.Body);
            if (thrown.ContentType is not null)
                request.Content.Headers.TryAddWithoutValidation("Content-Type", thrown.ContentType);
            if (thrown.Encoding is not null)
                request.Content.Headers.TryAddWithoutValidation("Content-Encoding", thrown.Encoding);
            if (thrown.Body.Length % 3 == 0)
                request.Headers.TransferEncodingChunked = true;
        }

        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        using var answer = await http.SendAsync(request);
        return ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsStringAsync());
    }

    private static long Stored(SqliteConnection reader)
    {
        using var command = reader.CreateCommand();
        command.CommandText = "SELECT count(*) FROM messages";
        return (long)command.ExecuteScalar()!;
    }
}
