using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

public sealed class WebhookReporterTests : ReporterFixture
{
    [Test]
    public async Task Event_Healthy_IsSignedAndAcknowledged()
    {
        await StartAsync(Endpoint());

        Log.Add("m1", 1);
        var hit = await Hook.NextAsync();
        await AcknowledgedAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(hit.Id, Is.EqualTo("evt_1"));
            Assert.That(hit.Timestamp, Is.EqualTo("1700000000"));
            Assert.That(hit.Signature, Is.EqualTo(SignatureOf(hit)));
            Assert.That(hit.ContentType, Is.EqualTo("application/json"));
            Assert.That(hit.Body, Is.EqualTo(EventJson.ToUtf8(Log.Events[0])));
            Assert.That(Metrics.Reports.WithLabels("default", "w1", "ok").Value, Is.EqualTo(1));
        });
    }

    [Test]
    public async Task Events_OfOneMessage_ArriveInOrderThoughManyAreInFlight()
    {
        for (var i = 0; i < 300; i++)
            Log.Add($"m{i % 20}", (i / 20) + 1);
        await StartAsync(Endpoint());

        var hits = await Hook.NextAsync(300);
        await AcknowledgedAsync(300);

        var events = hits.Select(hit => JsonDocument.Parse(hit.Body).RootElement).ToList();
        Assert.That(
            events.GroupBy(e => e.GetProperty("data").GetProperty("message_id").GetString(), e => e.GetProperty("sequence").GetInt32()),
            Has.Exactly(20).Items.And.All.EqualTo(Enumerable.Range(1, 15))
        );
    }

    [Test]
    public async Task Events_SlowEndpoint_HasAtMostEightInFlight()
    {
        var (open, most, all) = (0, 0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var gate = new Lock();
        Hook.Answer = async (_, _) =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++open);
                if (most == 8)
                    all.TrySetResult();
            }

            await all.Task;
            lock (gate)
                open--;
        };
        for (var i = 0; i < 100; i++)
            Log.Add($"m{i}", 1);
        await StartAsync(Endpoint());

        await Hook.NextAsync(100);
        await AcknowledgedAsync(100);

        Assert.That(most, Is.EqualTo(8));
    }

    [Test]
    public async Task Events_Batches_AreAcknowledgedWithFewWrites()
    {
        for (var i = 0; i < 200; i++)
            Log.Add("m", i + 1);
        await StartAsync(Endpoint() with { MaxBatch = 100 });

        var hits = await Hook.NextAsync(2);
        await AcknowledgedAsync(200);

        Assert.Multiple(() =>
        {
            Assert.That(hits.Select(hit => hit.Id), Is.EqualTo(new[] { "batch_1-100", "batch_101-200" }));
            Assert.That(hits.Select(hit => hit.Signature), Is.EqualTo(hits.Select(SignatureOf)));
            Assert.That(
                Log.Saves,
                Has.Count.LessThanOrEqualTo(3),
                "how the first is cut, its answer with how the second is cut, and that one's answer"
            );
        });
    }

    [Test]
    public async Task Events_Unwanted_AreSkippedWithoutAWrite()
    {
        for (var i = 0; i < 50; i++)
            Log.Add($"m{i}", 1);
        Log.Add("m0", 2, EventType.MessageSent, MessageState.Sent);
        await StartAsync(Endpoint() with { FinalOnly = true });

        var hit = await Hook.NextAsync();
        await AcknowledgedAsync(51);

        Assert.Multiple(() =>
        {
            Assert.That(hit.Id, Is.EqualTo("evt_51"));
            Assert.That(Log.Saves, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public async Task Failure_ThenSuccess_RetriesUnchangedAndBeginsAnew()
    {
        Hook.AnswerWith(500);
        Log.Add("m1", 1);
        await StartAsync(Endpoint());
        var first = await Hook.NextAsync();
        await FailuresAsync(1);

        Clock.Advance(TimeSpan.FromSeconds(5));
        var second = await Hook.NextAsync();
        await FailuresAsync(2);
        Hook.AnswerWith(204);
        Clock.Advance(TimeSpan.FromSeconds(30));
        var third = await Hook.NextAsync();
        await AcknowledgedAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(new[] { second.Id, third.Id }, Is.All.EqualTo(first.Id));
            Assert.That(new[] { second.Text, third.Text }, Is.All.EqualTo(first.Text));
            Assert.That(third.Signature, Is.EqualTo(SignatureOf(third)));
            Assert.That(long.Parse(third.Timestamp, CultureInfo.InvariantCulture), Is.EqualTo(1_700_000_035));
            Assert.That(Log.ProgressOf("w1"), Is.EqualTo(new EndpointProgress(1)));
        });
    }

    [Test]
    public async Task Failure_OfManyAtOnce_IsOneFailureAndOneProbe()
    {
        Hook.AnswerWith(503);
        for (var i = 0; i < 30; i++)
            Log.Add($"m{i}", 1);
        await StartAsync(Endpoint());
        var first = await Hook.NextAsync(8);
        await FailuresAsync(1);

        // All eight must have come back before there is a probe.
        Clock.Advance(TimeSpan.FromSeconds(5));
        var probe = await Hook.NextAsync();
        await FailuresAsync(2);

        Assert.Multiple(() =>
        {
            Assert.That(first, Has.Count.EqualTo(8));
            Assert.That(probe.Id, Is.EqualTo("evt_1"));
            Assert.That(Hook.Hits, Has.Count.EqualTo(9));
            Assert.That(Log.ProgressOf("w1").FailingSince, Is.EqualTo(1_700_000_000_000));
        });
    }

    [Test]
    public async Task RetryAfter_IsHonoured()
    {
        Hook.Answer = (_, context) =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "100";
            return Task.CompletedTask;
        };
        Log.Add("m1", 1);
        await StartAsync(Endpoint());
        await Hook.NextAsync();
        await FailuresAsync(1);
        Hook.AnswerWith(200);

        Clock.Advance(TimeSpan.FromSeconds(99));
        Clock.Advance(TimeSpan.FromSeconds(1));
        var hit = await Hook.NextAsync();

        Assert.That(hit.Timestamp, Is.EqualTo("1700000100"));
    }

    [Test]
    public async Task Gone_DisablesAtOnceAndTells()
    {
        Hook.AnswerWith(410);
        Log.Add("m1", 1);
        await StartAsync(Endpoint());

        await Log.UntilAsync(log => log.ProgressOf("w1").DisabledAt is not null);

        var told = Log.Events.Single(e => e.Type == EventType.WebhookDisabled);
        Assert.Multiple(() =>
        {
            Assert.That(Encoding.UTF8.GetString(told.Detail.Span), Does.Contain("\"webhook\":\"w1\"").And.Contain("\"reason\":\"gone\""));
            Assert.That(Log.ProgressOf("w1").Acknowledged, Is.Zero);
            Assert.That(Hook.Hits, Has.Count.EqualTo(1));
        });
    }

    [Test]
    public async Task Failing_For75Hours_IsDisabledWithAnEvent()
    {
        Hook.AnswerWith(500);
        Log.Add("m1", 1);
        var began = Clock.GetUtcNow().ToUnixTimeMilliseconds();
        await StartAsync(Endpoint() with { Progress = new(0, began - (75 * 3_600_000L) + 3000, 400) }); // so many fit into that time
        await FailuresAsync(401);

        Clock.Advance(TimeSpan.FromSeconds(3));
        await Log.UntilAsync(log => log.ProgressOf("w1").DisabledAt is not null);

        Assert.That(
            Encoding.UTF8.GetString(Log.Events.Single(e => e.Type == EventType.WebhookDisabled).Detail.Span),
            Does.Contain("\"reason\":\"failing\"")
        );
    }

    [Test]
    public async Task Redirect_IsAFailureAndNotFollowed()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        var target = other.Url;
        Hook.Answer = (_, context) =>
        {
            context.Response.Redirect(target, permanent: true);
            return Task.CompletedTask;
        };
        Log.Add("m1", 1);
        await StartAsync(Endpoint());

        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(Log.ProgressOf("w1").LastError, Does.Contain("301"));
            Assert.That(other.Hits, Is.Empty);
        });
    }

    [Test]
    public async Task Hanging_BesideAHealthyOne_DelaysOnlyItself()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        Hook.Hang();
        await Log.PutEndpointAsync(Endpoint(), "test");
        await StartAsync(Endpoint() with { Id = "w2", Url = other.Url });
        for (var i = 0; i < 100; i++)
            Log.Add($"m{i}", 1);

        await other.NextAsync(100);
        await Log.UntilAsync(log => log.ProgressOf("w2").Acknowledged == 100);
        await Hook.NextAsync(8);
        Clock.Advance(TimeSpan.FromSeconds(15));
        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(Log.ProgressOf("w1").LastError, Does.Contain("15 s"));
            Assert.That(Log.ProgressOf("w1").Acknowledged, Is.Zero);
        });
    }

    [Test]
    public async Task Refused_ByTheNetworkPolicy_IsAFailure()
    {
        using var strict = new Dialer(new(new())).HttpClient();
        Log.Add("m1", 1);
        await StartAsync(Endpoint(), strict);

        await FailuresAsync(1);

        Assert.Multiple(() =>
        {
            Assert.That(Log.ProgressOf("w1").LastError, Does.Contain("not allowed"));
            Assert.That(Hook.Hits, Is.Empty);
        });
    }

    [Test]
    public async Task Answer_OfEndlessBytes_IsReadToTheCapOnly()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Hook.Answer = async (_, context) =>
        {
            var chunk = new byte[16 * 1024];
            try
            {
                while (true)
                    await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                gone.TrySetResult();
            }
        };
        Log.Add("m1", 1);
        await StartAsync(Endpoint());

        await AcknowledgedAsync(1);

        await gone.Task.WaitAsync(Patience);
    }

    [Test]
    public async Task Stop_WhileOneHangs_LetsGoAtOnceAndTheNextStartSendsItAgain()
    {
        await StartAsync(Endpoint());
        Log.Add("m1", 1);
        await AcknowledgedAsync(1);
        Hook.Hang();
        Log.Add("m1", 2);
        await Hook.NextAsync(2);

        await StopAsync();
        Hook.AnswerWith(200);
        await StartAsync();
        var again = await Hook.NextAsync();
        await AcknowledgedAsync(2);

        Assert.That(again.Id, Is.EqualTo("evt_2"));
    }

    [Test]
    public async Task Refresh_EndpointPausedAndResumed_HoldsItsEvents()
    {
        await StartAsync(Endpoint());
        Log.Add("m1", 1);
        await AcknowledgedAsync(1);
        await Log.PutEndpointAsync(Endpoint() with { Paused = true }, "test");
        await RefreshAsync("w2");
        Log.Add("m1", 2);
        await RefreshAsync("w3");
        Assert.That(Hook.Hits.Count(hit => hit.Path == "/hook"), Is.EqualTo(1));

        await Log.PutEndpointAsync(Endpoint(), "test");
        Reporter.Refresh();
        await AcknowledgedAsync(2);

        Assert.That(Hook.Hits.Where(hit => hit.Path == "/hook").Select(hit => hit.Id), Is.EqualTo(new[] { "evt_1", "evt_2" }));
    }

    [Test]
    public async Task Refresh_AddressChanged_GoesOnThereFromWhereItWas()
    {
        await using var other = await LoopbackWebhook.StartAsync();
        await StartAsync(Endpoint());
        Log.Add("m1", 1);
        await AcknowledgedAsync(1);
        await Log.PutEndpointAsync(Endpoint() with { Url = other.Url }, "test");
        await RefreshAsync("w2");

        Log.Add("m1", 2);
        await AcknowledgedAsync(2);

        Assert.That(other.Hits.Select(hit => hit.Id), Is.EqualTo(new[] { "evt_2" }));
    }

    [Test]
    public async Task Measure_FailingEndpoint_ShowsHowFarBehindItIs()
    {
        Hook.AnswerWith(500);
        for (var i = 0; i < 3; i++)
            Log.Add("m1", i + 1, at: Clock.GetUtcNow().ToUnixTimeMilliseconds());
        await StartAsync(Endpoint());
        await FailuresAsync(1);
        Clock.Advance(TimeSpan.FromSeconds(2));

        Reporter.Measure();

        Assert.Multiple(() =>
        {
            Assert.That(Metrics.ReportBacklog.WithLabels("default", "w1").Value, Is.EqualTo(3));
            Assert.That(Metrics.ReportLag.WithLabels("default", "w1").Value, Is.EqualTo(2));
        });
    }

    /// <summary>Proof that the reporter has looked: an endpoint that begins behind everything acknowledges its first event.</summary>
    private async Task RefreshAsync(string witness)
    {
        await Log.PutEndpointAsync(Endpoint() with { Id = witness, Url = Hook.Url.Replace("/hook", "/" + witness) }, "test");
        Reporter.Refresh();
        await Log.UntilAsync(log => log.ProgressOf(witness).Acknowledged > 0);
    }

    // Written without the code under test, as a receiver would.
    private static string SignatureOf(WebhookHit hit) =>
        "v1,"
        + Convert.ToBase64String(
            HMACSHA256.HashData(
                Convert.FromBase64String(Secret["whsec_".Length..]),
                Encoding.UTF8.GetBytes($"{hit.Id}.{hit.Timestamp}.").Concat(hit.Body).ToArray()
            )
        );
}
