using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Limits of accounts: mail waits, or fails in a word that clients match.</summary>
internal sealed class LimitTests : GenroFixture
{
    [SetUp]
    public async Task Prepare() => await MakeTenantAsync("acme");

    [Test]
    public async Task Limit_ThatDefers_ShowsWhenItOpens()
    {
        await MakeAccountAsync("acme", more: new { limit_per_hour = 1 });
        await QueueAsync(Message("one", "acme", new { to = "a@example.org,b@example.org" }));
        await RowAsync("acme", "one", static row => row["sent_ts"] is not null);
        await QueueAsync(Message("two", "acme"));
        var row = await RowAsync("acme", "two", static row => row["deferred_ts"] is not null);
        Assert.That((long)row["deferred_ts"]!, Is.GreaterThan(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1_000));
        Assert.That(_smtp.Taken, Has.Count.EqualTo(1), "messages are counted, not recipients");
    }

    [Test]
    public async Task Limit_ThatRejects_FailsWithItsWord()
    {
        await MakeAccountAsync("acme", more: new { limit_per_day = 1, limit_behavior = "reject" });
        await QueueAsync(Message("one", "acme"));
        await RowAsync("acme", "one", static row => row["sent_ts"] is not null);
        await QueueAsync(Message("two", "acme"));
        var row = await RowAsync("acme", "two", static row => row["error_ts"] is not null);
        Assert.That((string?)row["error"], Is.EqualTo("rate_limit_exceeded"));
        var entries = new List<System.Text.Json.Nodes.JsonObject>();
        while (entries.Count < 2)
            entries.AddRange(await ReportAsync());
        Assert.That((string?)entries[1]["error"], Is.EqualTo("rate_limit_exceeded"));
    }
}
