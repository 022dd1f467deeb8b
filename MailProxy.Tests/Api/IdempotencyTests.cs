using System.Security.Cryptography;
using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
public sealed class IdempotencyTests
{
    private const string Mail = """{"id":"m-1","from":"a@x.example","to":"b@x.example","text":"hello"}""";

    private static (string, string) Key(string key) => ("Idempotency-Key", key);

    private static async Task<Submission> NextAsync(ApiHost host) =>
        await host.Ingest.Reader.ReadAsync().AsTask().WaitAsync(ApiHost.Deadline);

    [Test]
    public async Task Post_WithKey_ClaimHasFingerprintAndTheVeryAnswer()
    {
        await using var host = await ApiHost.StartAsync(new() { Behind = null });
        var posting = host.SendAsync("POST", "/v1/messages", Mail, headers: Key("k-1"));
        var submission = await NextAsync(host);
        ApiHost.StoreAll(submission);
        using var answer = await posting;

        var claim = submission.Idempotency!;
        var kept = claim.Render(ApiHost.Stored(submission).Lines)!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(claim.Key, Is.EqualTo("k-1"));
            Assert.That(claim.Fingerprint, Is.EqualTo(SHA256.HashData(Encoding.UTF8.GetBytes("POST\n/v1/messages\n" + Mail))));
            Assert.That(kept.Status, Is.EqualTo(202));
            Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo((byte[])[.. kept.Body, (byte)'\n']));
            Assert.That(answer.Headers.Contains("Idempotent-Replayed"), Is.False);
        }
    }

    [Test]
    public async Task Render_Refused_NothingIsKept()
    {
        await using var host = await ApiHost.StartAsync(new() { Behind = null });
        var posting = host.SendAsync("POST", "/v1/messages", Mail, headers: Key("k-1"));
        var submission = await NextAsync(host);
        var lines = new ReceiptLine[] { new("m-1", default, 0, new Problem(422, "validation_failed", "No.")) };
        Assert.That(submission.Idempotency!.Render(lines), Is.Null);
        submission.TryTake();
        submission.Complete(new SubmissionAnswer.Stored(lines));
        using var answer = await posting;
        await answer.ProblemAsync(422, "validation_failed");
    }

    [Test]
    public async Task Post_SameKeyInProgress_409ThenFree()
    {
        await using var host = await ApiHost.StartAsync(new() { Behind = null });
        var first = host.SendAsync("POST", "/v1/messages", Mail, headers: Key("k-1"));
        var submission = await NextAsync(host);

        using var second = await host.SendAsync("POST", "/v1/messages", Mail, headers: Key("k-1"));
        await second.ProblemAsync(409, "idempotency_in_progress");
        var other = host.SendAsync("POST", "/v1/messages", Mail, headers: Key("k-2"));
        ApiHost.StoreAll(await NextAsync(host));
        using (var free = await other)
            Assert.That((int)free.StatusCode, Is.EqualTo(202));

        ApiHost.StoreAll(submission);
        using var stored = await first;
        var again = host.SendAsync("POST", "/v1/messages", Mail, headers: Key("k-1"));
        ApiHost.StoreAll(await NextAsync(host));
        using var answered = await again;
        Assert.That((int)answered.StatusCode, Is.EqualTo(202));
    }

    [Test]
    public async Task Post_Replayed_SameStatusAndBodyMarked()
    {
        var kept = """{"id":"m-1","status":"queued","created_at":"2029-12-31T00:00:00Z"}"""u8.ToArray();
        await using var host = await StartAsync(new SubmissionAnswer.Replayed(new(202, kept)));
        using var answer = await host.SendAsync("POST", "/v1/messages", Mail, headers: Key("k-1"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(202));
            Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.EqualTo((byte[])[.. kept, (byte)'\n']));
            Assert.That(answer.Headers.GetValues("Idempotent-Replayed").Single(), Is.EqualTo("true"));
            Assert.That(answer.Headers.Location?.OriginalString, Is.EqualTo("/v1/messages/m-1"));
        }
    }

    [Test]
    public async Task Batch_Replayed_200Marked()
    {
        await using var host = await StartAsync(new SubmissionAnswer.Replayed(new(200, """{"results":[]}"""u8.ToArray())));
        using var answer = await host.SendAsync("POST", "/v1/messages/batch", $$"""{"messages":[{{Mail}}]}""", headers: Key("k-1"));
        Assert.That((int)answer.StatusCode, Is.EqualTo(200));
        Assert.That(answer.Headers.Contains("Idempotent-Replayed"));
    }

    [Test]
    public async Task Post_KeyOfAnotherRequest_422()
    {
        await using var host = await StartAsync(new SubmissionAnswer.KeyReused());
        using var answer = await host.SendAsync("POST", "/v1/messages", Mail, headers: Key("k-1"));
        await answer.ProblemAsync(422, "idempotency_key_reused");
    }

    [Test]
    public async Task Post_KeyAndBadBody_TheStoreHearsOfTheKey()
    {
        await using var host = await StartAsync(new SubmissionAnswer.KeyReused());
        using var answer = await host.SendAsync("POST", "/v1/messages", "{", headers: Key("k-1"));
        await answer.ProblemAsync(422, "idempotency_key_reused");
    }

    [TestCase("")]
    [TestCase("with\ttab")]
    [TestCase(257)]
    public async Task Post_WrongKey_422(object key)
    {
        await using var host = await ApiHost.StartAsync(new() { OnKestrel = true });
        using var answer = await host.SendAsync(
            "POST",
            "/v1/messages",
            Mail,
            headers: Key(key is int length ? new('k', length) : (string)key)
        );
        await answer.ProblemAsync(422, "invalid_idempotency_key");
    }

    [Test]
    public async Task Post_LongestKey_Taken()
    {
        await using var host = await ApiHost.StartAsync();
        using var answer = await host.SendAsync("POST", "/v1/messages", Mail, headers: Key(new('k', 256)));
        Assert.That((int)answer.StatusCode, Is.EqualTo(202));
    }

    private static Task<ApiHost> StartAsync(SubmissionAnswer answer) =>
        ApiHost.StartAsync(
            new()
            {
                Behind = submission =>
                {
                    submission.TryTake();
                    submission.Complete(answer);
                    return ValueTask.CompletedTask;
                },
            }
        );
}
