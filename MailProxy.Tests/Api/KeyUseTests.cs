using System.Net;
using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

/// <summary>A key at work: it is deleted or expires while a request is under way, and its use is noted.</summary>
[TestFixture]
internal sealed class KeyUseTests : KeyFixture
{
    [Test]
    public async Task Rotation_BothKeysAreValidUntilTheOldIsDeleted()
    {
        var (oldId, old) = await MakeAsync();
        var (_, fresh) = await MakeAsync();
        Assert.That((await StatusAsync(old), await StatusAsync(fresh)), Is.EqualTo((200, 200)));

        using var deleted = await _host.SendAsync("DELETE", $"/v1/tenants/default/keys/{oldId}");
        Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
        Assert.That((await StatusAsync(old), await StatusAsync(fresh)), Is.EqualTo((401, 200)));
    }

    [Test]
    public async Task Key_Expires_WhileTheDaemonRuns()
    {
        _host.Clock.Advance(TimeSpan.Zero);
        var now = _host.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        await AddAsync(Key("k1", "the-key") with { ExpiresAt = now + 60_000 });
        Assert.That(await StatusAsync("the-key"), Is.EqualTo(200));
        _host.Clock.Advance(TimeSpan.FromMilliseconds(59_999));
        Assert.That(await StatusAsync("the-key"), Is.EqualTo(200));
        _host.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(await StatusAsync("the-key"), Is.EqualTo(401));
    }

    [Test]
    public async Task LongPoll_KeyIsDeletedOrExpires_EndsAtOnce()
    {
        foreach (var (expires, code) in ((bool, string)[])[(false, "unauthorized"), (true, "key_expired")])
        {
            var now = _host.Clock.GetUtcNow().ToUnixTimeMilliseconds();
            await AddAsync(Key("k1", "the-key") with { ExpiresAt = expires ? now + 5_000 : now + 9_000_000_000_000 });
            _host.Log.Waiting = new();
            var poll = GetAsync("the-key", "/v1/events?after=now&wait=60");
            await _host.Log.Waiting.Task.WaitAsync(ApiHost.Deadline);

            if (expires)
                _host.Clock.Advance(TimeSpan.FromSeconds(5));
            else
                await _host.SendAsync("DELETE", "/v1/tenants/default/keys/k1");
            using var answer = await poll.WaitAsync(ApiHost.Deadline);
            await answer.ProblemAsync(401, code);
            Assert.That(answer.Headers.WwwAuthenticate, Is.Not.Empty);
            Assert.That((_host.Audit.Entries[^1].Actor, _host.Audit.Entries[^1].Action), Is.EqualTo(("key/default/k1", "key.refused")));
        }
    }

    [Test]
    public async Task LongPoll_AnotherKeyChanges_GoesOn()
    {
        await AddAsync(Key("k1", "the-key"));
        _host.Log.Waiting = new();
        var poll = GetAsync("the-key", "/v1/events?after=now&wait=60");
        await _host.Log.Waiting.Task.WaitAsync(ApiHost.Deadline);
        var (id, _) = await MakeAsync();
        using var deleted = await _host.SendAsync("DELETE", $"/v1/tenants/default/keys/{id}");

        Assert.That(poll.IsCompleted, Is.False);
        _host.Clock.Advance(TimeSpan.FromSeconds(60));
        using var answer = await poll.WaitAsync(ApiHost.Deadline);
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), await answer.Content.ReadAsStringAsync());
    }

    [TestCase("POST", "/v1/messages", "application/json", """{"from":"a@x.example","to":"b@x.example","text":"t"}""")]
    [TestCase("POST", "/v1/messages/batch", "application/x-ndjson", """{"from":"a@x.example","to":"b@x.example","text":"t"}""")]
    [TestCase("PUT", "/v1/accounts/a", "application/json", """{"sandbox":true}""")]
    [TestCase("PUT", "/v1/batches/b", "application/json", """{"suspended":true}""")]
    public async Task Body_StillComingWhenTheKeyIsDeleted_IsNotTaken(string method, string path, string type, string json)
    {
        await AddAsync(Key("k1", "the-key"));
        using var client = _host.NewClient("the-key");
        using var request = new HttpRequestMessage(new(method), path) { Content = new SlowContent(json, type, DeleteOnceItIsInUseAsync) };
        using var answer = await client.SendAsync(request).WaitAsync(ApiHost.Deadline);
        await answer.ProblemAsync(401, "unauthorized");
        Assert.That((_host.Configuration.Values<SmtpAccount>().Count(), _host.Batches.Batches.Count), Is.EqualTo((0, 0)));

        async Task DeleteOnceItIsInUseAsync()
        {
            await _host.KeyUses.Used.Task.WaitAsync(ApiHost.Deadline); // the route was let in
            _host.CurrentKeys.Swap(KeyDirectory.Empty);
        }
    }

    [Test]
    public async Task Key_Used_IsNotedAtMostOnceAMinute()
    {
        await AddAsync(Key("k1", "the-key"));
        for (var i = 0; i < 5; i++)
            Assert.That(await StatusAsync("the-key"), Is.EqualTo(200));
        Assert.That(_host.KeyUses.Uses, Has.Count.EqualTo(1));
        _host.Clock.Advance(TimeSpan.FromSeconds(59));
        await StatusAsync("the-key");
        Assert.That(_host.KeyUses.Uses, Has.Count.EqualTo(1));
        _host.Clock.Advance(TimeSpan.FromSeconds(1));
        await StatusAsync("the-key");
        Assert.That(_host.KeyUses.Uses.Select(u => u.At - _host.KeyUses.Uses[0].At), Is.EqualTo(new[] { 0, 60_000 }));
    }

    [Test]
    public async Task Key_Used_TheRequestDoesNotWaitForTheNote()
    {
        var never = new TaskCompletionSource();
        _host.KeyUses.NoteWritten = never.Task;
        await AddAsync(Key("k1", "the-key"));
        Assert.That(await StatusAsync("the-key").WaitAsync(ApiHost.Deadline), Is.EqualTo(200));
        Assert.That(_host.KeyUses.Uses, Has.Count.EqualTo(1));
        never.SetResult();
    }

    /// <summary>A body in the middle of which something happens.</summary>
    private sealed class SlowContent : HttpContent
    {
        private readonly byte[] _bytes;
        private readonly Func<Task> _inTheMiddle;

        public SlowContent(string text, string type, Func<Task> inTheMiddle)
        {
            (_bytes, _inTheMiddle) = (System.Text.Encoding.UTF8.GetBytes(text), inTheMiddle);
            Headers.TryAddWithoutValidation("Content-Type", type);
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_bytes.AsMemory(0, 1));
            await stream.FlushAsync();
            await _inTheMiddle();
            await stream.WriteAsync(_bytes.AsMemory(1));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
