using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A disk that is really full, and has capacity again later.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class DiskFullTests
{
    private TmpfsMount _disk = null!;

    [SetUp]
    public async Task Mount() => _disk = await TmpfsMount.MakeAsync(32);

    [TearDown]
    public async Task Unmount() => await _disk.DisposeAsync();

    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task Post_WhileTheDiskFills_WhatWasAcknowledgedArrivesOnceAndTheRestNever()
    {
        await using var server = new ScriptedSmtpServer();
        await using var daemon = await StartAsync();
        await daemon.PutAccountAsync("real", server.Port);
        var (acknowledged, refused) = (new ConcurrentBag<string>(), new ConcurrentBag<string>());

        await PostManyAsync(daemon, "before", 50, acknowledged, refused);
        _disk.Fill();
        await PostManyAsync(daemon, "full", 50, acknowledged, refused);
        Assert.That(refused, Is.Not.Empty);
        await AssertNotReadyAsync(daemon, "disk is full");

        _disk.Free();
        await ReadyAsync(daemon);
        var refusedWhileFull = refused.ToArray();
        await PostManyAsync(daemon, "after", 50, acknowledged, refused);
        Assert.That(refused, Has.Count.EqualTo(refusedWhileFull.Length));
        await daemon.EventsAsync(e => e.Type == EventType.MessageSent, acknowledged.Count);

        Assert.That(server.Taken.Select(m => m.Recipients[0]), Is.EquivalentTo(acknowledged.Select(id => $"{id}@example.com")));
        foreach (var id in refusedWhileFull)
        {
            using var answer = await daemon.Http.GetAsync($"/v1/messages/{id}");
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound), "503 means never stored");
        }

        await daemon.StopAsync();
    }

    [Test]
    [Category(TestDaemon.NamesFiles)]
    public async Task Outcome_WhileTheDiskIsFull_IsRecordedLaterAndTheMailNotSentAgain()
    {
        var (dot, taken) = (
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
        );
        await using var server = new ScriptedSmtpServer(async heard =>
        {
            if (heard.Verb == "DOT")
            {
                dot.TrySetResult();
                await taken.Task;
            }

            return null;
        });
        await using var daemon = await StartAsync();
        await daemon.PutAccountAsync("real", server.Port);
        var id = await daemon.PostAsync(
            new
            {
                account = "real",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        await dot.Task.WaitAsync(TestDaemon.Deadline);

        _disk.Fill();
        taken.SetResult();
        await AssertNotReadyAsync(daemon, "disk is full");
        Assert.That((string)(await daemon.GetAsync($"/v1/messages/{id}"))["status"]!, Is.EqualTo("sending"));

        _disk.Free();
        await daemon.UntilAsync(id, EventType.MessageSent);
        var events = (await daemon.GetAsync($"/v1/messages/{id}/events"))["data"]!.AsArray();
        Assert.That(events.Select(e => (string)e!["type"]!), Is.EqualTo(new[] { "message.queued", "message.sent" }));

        var next = await daemon.PostAsync(
            new
            {
                account = "real",
                from = "a@example.com",
                to = "c@example.com",
                text = "x",
            }
        );
        await daemon.UntilAsync(next, EventType.MessageSent);
        Assert.That(server.Taken.Select(m => m.Key), Is.EqualTo(new[] { $"default/{id}", $"default/{next}" }));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Post_OfALargeBody_WhileTheDiskIsFull_LeavesNoSpoolFile()
    {
        await using var daemon = await StartAsync();
        _disk.Fill();

        Assert.That(await PostAsync(daemon, "large", new string('x', 2_000_000)), Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(Directory.GetFiles(Path.Combine(_disk.Data, "spool")), Is.Empty);

        _disk.Free();
        await ReadyAsync(daemon);
        Assert.That(await PostAsync(daemon, "large", new string('x', 2_000_000)), Is.EqualTo(HttpStatusCode.Accepted));
        await daemon.UntilAsync("large", EventType.MessageSent);
        await daemon.StopAsync();
    }

    [Test]
    public async Task Post_BelowTheFloor_IsShedBeforeTheDiskIsFull()
    {
        await using var daemon = await StartAsync(("Ingest:MinFreeBytes", "100000000"));
        using var answer = await daemon.Http.PostAsJsonAsync(
            "/v1/messages",
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("disk_low"));
        await AssertNotReadyAsync(daemon, "\"code\":\"disk_low\"");
        Assert.That((string?)(await daemon.GetAsync("/v1/status"))["not_ready"]![0]!["code"], Is.EqualTo("disk_low"));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Start_OnAFullDisk_IsRefusedInWordsAndLosesNothing()
    {
        string id;
        await using (var first = await StartAsync())
        {
            await first.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend");
            id = await first.PostAsync(
                new
                {
                    from = "a@example.com",
                    to = "b@example.com",
                    text = "x",
                }
            );
            await first.StopAsync();
        }

        _disk.Fill();
        await using (var full = DaemonProcess.Start(_disk.Data, ("INGEST__MINFREEBYTES", "0")))
        {
            Assert.That(await full.ExitAsync(), Is.EqualTo(1), full.Output);
            Assert.That(full.Output, Does.Contain("mailproxy: ").And.Contain("disk").And.Not.Contain("   at "), "words, not a stack");
        }

        _disk.Free();
        await using var second = await StartAsync();
        await second.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate");
        await second.UntilAsync(id, EventType.MessageSent);
        await second.StopAsync();
    }

    private Task<TestDaemon> StartAsync(params (string, string)[] settings) =>
        TestDaemon.StartAsync(_disk.Data, [("Ingest:MinFreeBytes", "0"), ("Log:Level", "Error"), .. settings]);

    private static async Task PostManyAsync(
        TestDaemon daemon,
        string name,
        int count,
        ConcurrentBag<string> acknowledged,
        ConcurrentBag<string> refused
    ) =>
        await Task.WhenAll(
            Enumerable
                .Range(0, count)
                .Select(async n =>
                {
                    var id = $"{name}-{n}";
                    var status = await PostAsync(daemon, id, new string('x', 20_000), "real");
                    Assert.That(status, Is.AnyOf(HttpStatusCode.Accepted, HttpStatusCode.ServiceUnavailable));
                    (status == HttpStatusCode.Accepted ? acknowledged : refused).Add(id);
                })
        );

    private static async Task<HttpStatusCode> PostAsync(TestDaemon daemon, string id, string text, string account = "sandbox")
    {
        using var answer = await daemon.Http.PostAsJsonAsync(
            "/v1/messages",
            new
            {
                id,
                account,
                from = "a@example.com",
                to = $"{id}@example.com",
                text,
            }
        );
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
            Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        return answer.StatusCode;
    }

    private static async Task AssertNotReadyAsync(TestDaemon daemon, string why) =>
        await Eventually.BecomesAsync(
            async () =>
            {
                using var answer = await daemon.Http.GetAsync("/health/ready");
                return $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}";
            },
            answer => answer.StartsWith("503", StringComparison.Ordinal) && answer.Contains(why, StringComparison.Ordinal)
        );

    private static async Task ReadyAsync(TestDaemon daemon) =>
        await Eventually.BecomesAsync(
            async () =>
            {
                using var answer = await daemon.Http.GetAsync("/health/ready");
                return answer.StatusCode;
            },
            status => status == HttpStatusCode.OK
        );
}
