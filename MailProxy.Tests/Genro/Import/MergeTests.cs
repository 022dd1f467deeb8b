using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro.Import;

/// <summary>A second import into a store whose reports are under way: nothing is told twice, and nothing is lost.</summary>
[TestFixture]
internal sealed class MergeTests : ImportFixture
{
    [Test]
    public async Task Merge_BeforeTheFirstReport_AddsWhatWaitsAndTellsWhatNobodyWasTold()
    {
        await using var application = await LoopbackWebhook.StartAsync();
        using (var old = Fill(application))
            AddMessage(old, "waits", null, ("deferred_ts", Now + 36_000));
        await ImportAsync();
        System.IO.File.Delete(File);
        using (var old = Fill(application))
        {
            var late = AddMessage(old, "late", null, ("deferred_ts", Now + 36_000));
            AddEvent(old, late, "deferred", Now - 50, ("description", "told"), ("reported_ts", Now));
            AddEvent(old, late, "deferred", Now + 36_000, ("description", "not told"));
        }

        var merged = await ImportAsync(merge: true);
        Assert.That((merged.Of("deferred messages") + merged.Of("scheduled messages"), merged.Of("tenants")), Is.EqualTo((1L, 0L)));
        await using var daemon = await StartAsync();
        var told = JsonNode.Parse((await application.NextAsync()).Text)!["delivery_report"]!.AsArray();
        Assert.That(told.Select(static one => (string)one!["id"]!), Is.EqualTo(new[] { "sent", "late" }), told.ToJsonString());
        Assert.That((string)told[1]!["deferred_reason"]!, Is.EqualTo("not told"));
        Assert.That((await daemon.RowsAsync()).Keys, Is.EquivalentTo(new[] { "sent", "waits", "late" }));
    }

    [Test]
    public async Task Merge_OfAMessageThatIsOver_WhileReportsAreUnderWay_IsRefused()
    {
        await using var application = await LoopbackWebhook.StartAsync();
        Fill(application).Dispose();
        await ImportAsync();
        System.IO.File.Delete(File);
        using (var old = Fill(application))
            AddEvent(old, AddMessage(old, "over", null, ("smtp_ts", Now)), "sent", Now, ("reported_ts", Now));
        Assert.That(await RefusedAsync(merge: true), Does.Contain("the message acme/over is over"));
        await using (var daemon = await StartAsync())
        {
            await application.NextAsync();
            await daemon.PostAsync("/commands/run-now", new { }, Token);
            await application.NextAsync(); // what was told before is acknowledged
        }

        Assert.That((await ImportAsync(merge: true)).Of("sent messages, remembered"), Is.EqualTo(1));
        await using var again = await StartAsync();
        await again.PostAsync("/commands/run-now", new { }, Token);
        Assert.That((await application.NextAsync()).Text, Is.EqualTo("""{"delivery_report":[]}"""));
    }

    private OldDatabase Fill(LoopbackWebhook application)
    {
        var old = Old();
        AddTenant(
            old,
            "acme",
            ("client_base_url", new Uri(application.Url).GetLeftPart(UriPartial.Authority)),
            ("api_key_hash", OldDatabase.HashOf(Token))
        );
        AddAccount(old);
        AddEvent(old, AddMessage(old, "sent", null, ("smtp_ts", Now)), "sent", Now);
        return old;
    }
}
