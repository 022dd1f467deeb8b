using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Mail;
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
