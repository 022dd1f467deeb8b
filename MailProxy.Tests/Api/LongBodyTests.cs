using System.Text;
using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>Bodies whose long strings go to the spool while they arrive: what is refused leaves nothing there.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class LongBodyTests
{
    private const int Threshold = 4_096;

    private static readonly string Content = Convert.ToBase64String([.. Enumerable.Range(0, 30_000).Select(static i => (byte)(i * 7))]);

    private static ApiHost Host(Func<Submission, ValueTask>? behind = null) =>
        new()
        {
            OnKestrel = true,
            Limits = new()
            {
                SpoolThreshold = Threshold,
                MaxRequestBytes = 100_000,
                MaxMessages = 2,
            },
            Behind = behind,
        };

    private static string Mail(string members) => $$"""{"from":"a@x.example","to":"b@x.example","text":"hello",{{members}}}""";

    private static string Attached(string content, string more = "") =>
        Mail($$"""{{more}}"attachments":[{"filename":"f","content":"{{content}}"}]""");

    private static string[] Files(ApiHost host) => Directory.GetFiles(host.Scratch);

    [TestCase(true)]
    [TestCase(false)]
    public async Task Post_LongContent_IsInAFileAndItsNameInTheJson(bool single)
    {
        Draft? draft = null;
        byte[] octets = [];
        await using var host = await ApiHost.StartAsync(
            Host(submission =>
            {
                draft = submission.Drafts[0];
                var found = draft.Spooled!.Find(draft.Mail!.Attachments![0].Content)!;
                octets = new byte[found.Length];
                draft.Spooled.File.Read(found.Offset, octets);
                ApiHost.StoreAll(submission);
                submission.DropFiles();
                return ValueTask.CompletedTask;
            })
        );
        var body = single ? Attached(Content) : $"{{\"messages\":[{Attached(Content)}]}}";

        using var answer = await host.SendAsync("POST", single ? "/v1/messages" : "/v1/messages/batch", body);

        Assert.That((int)answer.StatusCode, Is.EqualTo(single ? 202 : 200));
        Assert.That(octets, Is.EqualTo(Convert.FromBase64String(Content)));
        Assert.That(draft!.Json.Length, Is.LessThan(300));
        Assert.That(Files(host), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Refused()
    {
        yield return Case("broken off", "/v1/messages", Attached(Content)[..20_000], 400, "malformed_json");
        yield return Case("control character", "/v1/messages", Attached(Content + "\n"), 400, "malformed_json");
        yield return Case("half of a pair", "/v1/messages", Attached(Content + "\\ud83d"), 400, "malformed_json");
        yield return Case("behind it", "/v1/messages", Attached(Content) + "x", 400, "malformed_json");
        yield return Case("given twice", "/v1/messages", Attached(Content, "\"text\":\"again\","), 422, "duplicate_field");
        yield return Case("no list", "/v1/messages/batch", $"{{\"messages\":{Attached(Content)}}}", 422, "invalid_type");
        yield return Case("too many", "/v1/messages/batch", $"{{\"messages\":[{Attached(Content)},1,2]}}", 422, "too_many_messages");
        yield return Case("too large", "/v1/messages", Attached(Content + Content + Content), 413, "too_large");

        static TestCaseData Case(string name, string path, string body, int status, string code) =>
            new TestCaseData(path, body, status, code).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Refused))]
    public async Task Post_Refused_LeavesNoFile(string path, string body, int status, string code)
    {
        await using var host = await ApiHost.StartAsync(Host());
        using var raw = await RawHttp.ConnectAsync(host.Address);

        // Chunked: nobody knows beforehand how long it is.
        await raw.SendAsync(
            RawHttp.Head($"POST {path} HTTP/1.1", ApiHost.Key, "Content-Type: application/json", "Transfer-Encoding: chunked")
        );
        foreach (var piece in body.Chunk(9_000))
            await raw.SendAsync($"{piece.Length:x}\r\n{new string(piece)}\r\n");
        await raw.SendAsync("0\r\n\r\n");

        var answer = await raw.AnswerAsync();
        Assert.That(answer?.Status, Is.EqualTo(status), answer?.Body);
        Assert.That(answer?.Body, Does.Contain($"\"{code}\""));
        await Eventually.BecomesAsync(() => Task.FromResult(Files(host)), static files => files.Length == 0);
    }

    [Test]
    public async Task Post_ClientBreaksOff_LeavesNoFile()
    {
        await using var host = await ApiHost.StartAsync(Host());
        using (var raw = await RawHttp.ConnectAsync(host.Address))
        {
            await raw.SendAsync(
                RawHttp.Head("POST /v1/messages HTTP/1.1", ApiHost.Key, "Content-Type: application/json", "Content-Length: 90000")
                    + Attached(Content)[..30_000]
            );
            await Eventually.BecomesAsync(() => Task.FromResult(Files(host)), static files => files.Length == 1);
        }

        await Eventually.BecomesAsync(() => Task.FromResult(Files(host)), static files => files.Length == 0);
    }

    [Test]
    public async Task Post_NobodyTakesIt_LeavesNoFile()
    {
        await using var host = await ApiHost.StartAsync(
            new()
            {
                OnKestrel = true,
                Behind = null,
                Ingest = Channel.CreateBounded<Submission>(1),
                Limits = new() { SpoolThreshold = Threshold },
            }
        );
        await host.Ingest.Writer.WriteAsync(new("default", [], null));

        var posting = host.SendAsync("POST", "/v1/messages", Attached(Content));
        await host.Clock.WaitedForAsync(TimeSpan.FromSeconds(2));
        Assert.That(Files(host), Has.Length.EqualTo(1));
        host.Clock.Advance(TimeSpan.FromSeconds(2));

        using var answer = await posting;
        await answer.ProblemAsync(503, "overloaded");
        Assert.That(Files(host), Is.Empty);
    }

    [Test]
    public async Task Post_SpoolCannotBeWritten_503AndAgainAccepted()
    {
        await using var host = await ApiHost.StartAsync(
            Host(submission =>
            {
                ApiHost.StoreAll(submission);
                submission.DropFiles();
                return ValueTask.CompletedTask;
            })
        );
        Directory.Delete(host.Scratch);
        using (var refused = await host.SendAsync("POST", "/v1/messages", Attached(Content)))
            await refused.ProblemAsync(503, "store_unavailable");

        Directory.CreateDirectory(host.Scratch);
        using var answer = await host.SendAsync("POST", "/v1/messages", Attached(Content));
        Assert.That((int)answer.StatusCode, Is.EqualTo(202));
        Assert.That(Encoding.UTF8.GetByteCount(Attached(Content)), Is.GreaterThan(Threshold));
    }
}
