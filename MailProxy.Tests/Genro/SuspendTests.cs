using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Genro;

/// <summary>Letting mail wait by batch, and all of it.</summary>
internal sealed class SuspendTests : GenroFixture
{
    [SetUp]
    public async Task Prepare()
    {
        await MakeTenantAsync("acme", reports: false);
        await MakeAccountAsync("acme");
    }

    [TestCase("NL-2026_01")]
    [TestCase("_x")]
    [TestCase("Newsletter 2026/01 %")]
    [TestCase("0123456789012345678901234567890123456789012345678901234567890123")]
    public async Task Batch_Suspended_WaitsUntilItIsActivated(string code)
    {
        var escaped = Uri.EscapeDataString(code);
        var (status, answer) = await PostAsync($"/commands/suspend?tenant_id=acme&batch_code={escaped}");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer?.ToJsonString());
        Assert.That(((string?)answer!["tenant_id"], (string?)answer["batch_code"]), Is.EqualTo(("acme", code)));
        Assert.That(Batches(answer), Is.EqualTo(new[] { code }));
        Assert.That((int)answer["pending_messages"]!, Is.Zero);

        await QueueAsync(Message("in", "acme", new { batch_code = code }), Message("out", "acme"));
        await RowAsync("acme", "out", static row => row["sent_ts"] is not null);
        var waiting = (await RowsAsync("acme", "&active_only=true")).Single();
        Assert.That(((string?)waiting["id"], (string?)waiting["batch_code"]), Is.EqualTo(("in", code)));

        answer = (await PostAsync($"/commands/activate?tenant_id=acme&batch_code={escaped}")).Body!;
        Assert.That(Batches(answer), Is.Empty);
        await RowAsync("acme", "in", static row => row["sent_ts"] is not null);
    }

    [Test]
    public async Task Codes_WithPatternsInThem_AreOnlyThemselves()
    {
        await PostAsync("/commands/suspend?tenant_id=acme&batch_code=a_c");
        await QueueAsync(Message("m", "acme", new { batch_code = "abc" }));
        await RowAsync("acme", "m", static row => row["sent_ts"] is not null);
    }

    [Test]
    public async Task Everything_Suspended_IsAStarUntilAllIsActivated()
    {
        await PostAsync("/commands/suspend?tenant_id=acme&batch_code=b");
        var (_, all) = await PostAsync("/commands/suspend?tenant_id=acme");
        Assert.That(Batches(all!), Is.EqualTo(new[] { "*" }));
        Assert.That(all!["batch_code"], Is.Null);
        await QueueAsync(Message("m", "acme"));
        Assert.That((int)(await PostAsync("/commands/suspend?tenant_id=acme")).Body!["pending_messages"]!, Is.EqualTo(1));

        var (refused, _) = await PostAsync("/commands/activate?tenant_id=acme&batch_code=b");
        Assert.That((int)refused, Is.EqualTo(400), "one of all cannot be activated");
        var (_, clear) = await PostAsync("/commands/activate?tenant_id=acme");
        Assert.That(Batches(clear!), Is.Empty);
        await RowAsync("acme", "m", static row => row["sent_ts"] is not null);
    }

    [Test]
    public async Task Tenant_ThatThereIsNot_IsRefused()
    {
        var (status, answer) = await PostAsync("/commands/suspend?tenant_id=none");
        Assert.That(((int)status, (string?)answer!["detail"]), Is.EqualTo((400, "tenant not found")));
        var (missing, invalid) = await PostAsync("/commands/activate");
        Assert.That(((int)missing, invalid!["detail"]![0]!["loc"]!.ToJsonString()), Is.EqualTo((422, """["query","tenant_id"]""")));
    }

    [Test]
    public async Task Suspension_OfOneTenant_LeavesTheOthers()
    {
        await MakeTenantAsync("other", reports: false);
        await MakeAccountAsync("other");
        await PostAsync("/commands/suspend?tenant_id=acme");
        await QueueAsync(Message("m", "other"));
        await RowAsync("other", "m", static row => row["sent_ts"] is not null);
    }

    [Test]
    public async Task Suspension_Survives_ARestart()
    {
        await PostAsync("/commands/suspend?tenant_id=acme&batch_code=odd%20one");
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        _daemon = await TestDaemon.StartAsync(_directory, Settings);
        Assert.That(
            Batches((await PostAsync("/commands/suspend?tenant_id=acme&batch_code=b")).Body!),
            Is.EqualTo(new[] { "b", "odd one" })
        );
    }

    private static IEnumerable<string> Batches(JsonNode answer) =>
        answer["suspended_batches"]!.AsArray().Select(static one => (string)one!);
}
