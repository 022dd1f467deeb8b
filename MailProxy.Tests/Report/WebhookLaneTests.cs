using System.Text.Json;
using MailProxy.Pipeline.Network;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>One endpoint's lane: what its requests carry, and what comes again.</summary>
public sealed class WebhookLaneTests : ReporterFixture
{
    [Test]
    public async Task Event_WhileTwoSecretsHold_IsSignedWithBoth()
    {
        var old = WebhookSignature.NewSecret();
        var until = Clock.GetUtcNow().AddHours(1);
        await StartAsync(Endpoint() with { PreviousSecret = old, PreviousUntil = until.ToUnixTimeMilliseconds() });
        Log.Add("m1", 1);
        var during = await Hook.NextAsync();
        await AcknowledgedAsync(1);

        Clock.SetUtcNow(until);
        Log.Add("m1", 2);
        var after = await Hook.NextAsync();

        string By(string secret, WebhookHit hit) =>
            WebhookSignature.Sign(WebhookSignature.Key(secret)!, hit.Id, long.Parse(hit.Timestamp), hit.Body);
        Assert.Multiple(() =>
        {
            Assert.That(during.Signature, Is.EqualTo(By(Secret, during) + " " + By(old, during)));
            Assert.That(after.Signature, Is.EqualTo(By(Secret, after)));
        });
    }

    [TestCase("basic", "Basic YW5uOnB3")]
    [TestCase("bearer", "Bearer t0ken")]
    [TestCase("header", "Token abc")]
    public async Task Event_WithCredentials_CarriesThem(string kind, string expected)
    {
        SourceAuth auth = kind switch
        {
            "basic" => new SourceAuth.Basic("ann", "pw"),
            "bearer" => new SourceAuth.Bearer("t0ken"),
            _ => new SourceAuth.Header("Authorization", "Token abc"),
        };
        await StartAsync(Endpoint() with { Auth = auth });
        Log.Add("m1", 1);

        Assert.That((await Hook.NextAsync()).Authorization, Is.EqualTo(expected));
    }

    [Test]
    public async Task Batch_TriedBeforeARestart_ComesAgainUnchangedUnderTheSameId()
    {
        Hook.AnswerWith(500);
        for (var i = 1; i <= 5; i++)
            Log.Add($"m{i}", 1);
        await StartAsync(Endpoint() with { MaxBatch = 100 });
        var tried = await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1").Failures == 1);
        await StopAsync();

        for (var i = 6; i <= 9; i++)
            Log.Add($"m{i}", 1);
        Hook.AnswerWith(200);
        Clock.Advance(TimeSpan.FromMinutes(1));
        await StartAsync();
        var again = await Hook.NextAsync();
        await AcknowledgedAsync(9);
        var rest = Hook.Hits.SkipWhile(hit => hit != again).Skip(1);

        Assert.Multiple(() =>
        {
            Assert.That((again.Id, again.Text), Is.EqualTo((tried.Id, tried.Text)));
            Assert.That(rest.SelectMany(EventsOf), Is.EquivalentTo(new[] { "evt_6", "evt_7", "evt_8", "evt_9" }));
            Assert.That(Log.ProgressOf("w1").Batches, Is.Null);
        });
    }

    [Test]
    public async Task Batch_WhoseCutCannotBeKept_DoesNotGoOut()
    {
        Log.SaveGate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await StartAsync(Endpoint() with { MaxBatch = 100 });
        Log.Add("m1", 1);
        await Log.UntilAsync(log => log.Asked == 1);
        Assert.That(Hook.Hits, Is.Empty);

        Log.SaveGate.SetResult();
        Assert.That((await Hook.NextAsync()).Id, Is.EqualTo("batch_1-1"));
    }

    [Test]
    public async Task Replay_WhatWasAcknowledged_ComesOnceMoreUnderItsOwnIdsBesideWhatIsNew()
    {
        await StartAsync(Endpoint());
        for (var i = 1; i <= 4; i++)
            Log.Add($"m{i}", 1);
        await Hook.NextAsync(4);
        await AcknowledgedAsync(4);

        await Log.ReplayAsync("default", "w1", 0, long.MaxValue, "ann");
        Log.Add("m5", 1);
        Reporter.Refresh();
        await Log.UntilAsync(log => log.ProgressOf("w1") is { Acknowledged: 5, Replay: null });

        var times = Hook.Hits.CountBy(static hit => hit.Id).ToDictionary();
        // What is new comes again when the lane that it began in ends with the refresh.
        Assert.That(times.Remove("evt_5"), Is.True);
        Assert.That(
            times,
            Is.EqualTo(
                new Dictionary<string, int>
                {
                    ["evt_1"] = 2,
                    ["evt_2"] = 2,
                    ["evt_3"] = 2,
                    ["evt_4"] = 2,
                }
            )
        );
    }

    [Test]
    public async Task Replay_InterruptedByARestart_GoesOn()
    {
        await StartAsync(Endpoint());
        for (var i = 1; i <= 3; i++)
            Log.Add("m1", i);
        await Hook.NextAsync(3);
        await AcknowledgedAsync(3);
        Hook.Answer = (hit, context) =>
        {
            context.Response.StatusCode = hit.Id == "evt_1" ? 200 : 500;
            return Task.CompletedTask;
        };
        await Log.ReplayAsync("default", "w1", 0, long.MaxValue, "ann");
        Reporter.Refresh();
        await Log.UntilAsync(log => log.ProgressOf("w1") is { Failures: 1, Replay.Acknowledged: 1 });
        await Hook.NextAsync(2);
        await StopAsync();

        Hook.AnswerWith(200);
        Clock.Advance(TimeSpan.FromMinutes(1));
        await StartAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1") is { Acknowledged: 3, Failures: 0, Replay: null });

        Assert.That((await Hook.NextAsync(2)).Select(hit => hit.Id), Is.EqualTo(new[] { "evt_2", "evt_3" }));
    }

    [Test]
    public async Task RunNow_WhileBackingOff_TriesAtOnceButOnlyTheTenantsOwn()
    {
        Hook.AnswerWith(500);
        Log.Add("m1", 1);
        await StartAsync(Endpoint());
        await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1").Failures == 1);
        Hook.AnswerWith(200);

        Reporter.RunNow("other");
        Assert.That(Hook.Hits, Has.Count.EqualTo(1));
        Reporter.RunNow("default");

        await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1") is { Acknowledged: 1, Failures: 0 });
    }

    private static IEnumerable<string?> EventsOf(WebhookHit batch) =>
        JsonDocument
            .Parse(batch.Body)
            .RootElement.GetProperty("data")
            .GetProperty("events")
            .EnumerateArray()
            .Select(e => e.GetProperty("id").GetString());
}
