using System.Text.Json.Nodes;
using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.AspNetCore.Http;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>An endpoint of style sync over real HTTP, with a clock that stands still.</summary>
public sealed class SyncLaneTests : ReporterFixture
{
    [Test]
    public async Task Events_AreEntriesOfOneSignedReport_OthersNone()
    {
        Log.Add("m1", 1);
        Log.Add("m1", 2, EventType.MessageSent, MessageState.Sent, 12_000);
        Log.Add("m2", 1);
        Log.Add("m2", 2, EventType.MessageFailed, MessageState.Failed, 13_000);
        await TalkAsync();
        var hit = await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1").Acknowledged == 4);

        Assert.Multiple(() =>
        {
            Assert.That(
                hit.Text,
                Is.EqualTo(
                    """{"delivery_report":[{"tenant_id":"default","id":"m1","sent_ts":12},{"tenant_id":"default","id":"m2","error_ts":13,"error":"It could not be delivered."}]}"""
                )
            );
            Assert.That(hit.Signature, Does.StartWith("v1,"));
        });
    }

    [Test]
    public async Task InError_ComesAgain_AlsoAfterARestart()
    {
        AnswerWith("""{"ok":true,"error":["m1"]}""");
        Log.Add("m1", 1, EventType.MessageSent, MessageState.Sent);
        Log.Add("m2", 1, EventType.MessageSent, MessageState.Sent);
        await TalkAsync();
        await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1") is { Acknowledged: 2, Resends.Count: 1 });
        await StopAsync();

        AnswerWith("""{"ok":true}""");
        Clock.Advance(TimeSpan.FromSeconds(5));
        await TalkAsync();
        var again = await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1").Resends.IsEmpty);
        Assert.That(Ids(again), Is.EqualTo(new[] { "m1" }));
    }

    [Test]
    public async Task Quiet_IsKeptToTheSecond_AlsoOverARestart()
    {
        AnswerWith("""{"ok":true,"next_sync_after":1700003600}""");
        await TalkAsync();
        await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1").QuietUntil is not null);
        await StopAsync();
        Clock.SetUtcNow(DateTimeOffset.FromUnixTimeMilliseconds(1_700_003_599_999));
        await TalkAsync();
        Log.Add("m1", 1, EventType.MessageSent, MessageState.Sent);
        var broken = await Hook.NextAsync();
        Assert.That(
            Ids(broken),
            Is.EqualTo(new[] { "m1" }),
            "the first call after the restart is the event's, and no empty one came before"
        );

        await Log.UntilAsync(log => log.ProgressOf("w1").Acknowledged == 1);
        AnswerWith("{}");
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(Ids(await Hook.NextAsync()), Is.Empty);
    }

    [Test]
    public async Task RunNow_BreaksTheQuiet_OfTheTenantAlone()
    {
        AnswerWith("""{"next_sync_after":1700009999}""");
        await TalkAsync();
        await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1").QuietUntil is not null);
        Reporter.RunNow("other");
        Reporter.RunNow("default");
        Assert.That(Ids(await Hook.NextAsync()), Is.Empty);
        Assert.That(Hook.Hits, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Queued_CallsAgainAtOnce()
    {
        AnswerWith("""{"queued":1}""");
        await TalkAsync();
        var hits = await Hook.NextAsync(101);
        Assert.That(hits.Select(hit => hit.Timestamp).Distinct().Count(), Is.EqualTo(1), "the clock stood still");
    }

    [TestCase(500, "{}")]
    [TestCase(404, "{}")]
    public async Task Refused_AcknowledgesNothing_AndBacksOff(int status, string body)
    {
        AnswerWith(body, status);
        Log.Add("m1", 1, EventType.MessageSent, MessageState.Sent);
        await TalkAsync();
        await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1") is { Failures: 1, Acknowledged: 0 });
        AnswerWith("not json");
        Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.That(Ids(await Hook.NextAsync()), Is.EqualTo(new[] { "m1" }));
        await Log.UntilAsync(log => log.ProgressOf("w1") is { Failures: 0, Acknowledged: 1 });
    }

    [Test]
    public async Task Gone_DisablesWithAnEvent()
    {
        AnswerWith("", 410);
        await TalkAsync();
        await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1").DisabledAt is not null);
        Assert.That(Log.Events.Last().Type, Is.EqualTo(EventType.WebhookDisabled));
    }

    [Test]
    public async Task Answer_TooLongToBeReadWhole_AcknowledgesNothing()
    {
        AnswerWith($$"""{"error":[{{string.Join(',', Enumerable.Repeat("\"m1\"", 200_000))}}]}""");
        Log.Add("m1", 1, EventType.MessageSent, MessageState.Sent);
        await TalkAsync();
        await Hook.NextAsync();
        await Log.UntilAsync(log => log.ProgressOf("w1") is { Failures: 1, Acknowledged: 0 });
        Assert.That(Log.ProgressOf("w1").LastError, Does.Contain("longer than"));
    }

    private static string[] Ids(WebhookHit hit) =>
        [.. JsonNode.Parse(hit.Text)!["delivery_report"]!.AsArray().Select(entry => (string)entry!["id"]!)];

    private void AnswerWith(string body, int status = 200) =>
        Hook.Answer = async (_, context) =>
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(body);
        };

    private Task TalkAsync() => StartAsync(Log.Knows("w1") ? null : Endpoint() with { Style = ReportStyle.Sync, MaxBatch = 100 });
}
