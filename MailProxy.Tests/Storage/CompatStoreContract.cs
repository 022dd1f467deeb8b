using MailProxy.Pipeline.Configuration.Webhooks;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every store keeps for an edge that speaks the contract of another program.</summary>
[TestOf(typeof(ICompatStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class CompatStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private const string Hook = "genro";

    private ICompatStore Compat => Bench.Compat;

    [Test]
    public async Task Keep_Document_IsTheTenantsAloneAndSealed()
    {
        await Compat.KeepAsync("acme", "account", "1", """{"secret":"hush-hush"}""");
        await Compat.KeepAsync("acme", "account", "2", "{}");
        await Compat.KeepAsync("other", "account", "1", "[]");
        await Compat.KeepAsync("acme", "account", "2", null);
        await Compat.KeepAsync("acme", "tenant", "1", "first");
        await Compat.KeepAsync("acme", "tenant", "1", "second");
        Bench.Crash();

        Assert.Multiple(async () =>
        {
            Assert.That(await Compat.DocumentsAsync("acme", "account"), Is.EqualTo(Only("1", """{"secret":"hush-hush"}""")));
            Assert.That(await Compat.DocumentAsync("acme", "tenant", "1"), Is.EqualTo("second"));
            Assert.That(await Compat.DocumentAsync("other", "account", "1"), Is.EqualTo("[]"));
            Assert.That(await Compat.DocumentAsync("other", "tenant", "1"), Is.Null);
            Assert.That(await Bench.LeftAsync("hush-hush"), Is.False);
        });
    }

    [TestCase(null, null, null, null, "addMessages suspend addMessages activate")]
    [TestCase("acme", null, null, null, "addMessages suspend")]
    [TestCase(null, "Messages", null, null, "addMessages addMessages")]
    [TestCase(null, "%", null, null, "")]
    [TestCase(null, null, 20L, 30L, "suspend addMessages")]
    [TestCase("other", "vat", 40L, null, "activate")]
    public async Task Commands_Filter_OldestFirst(string? tenant, string? endpoint, long? since, long? until, string wanted)
    {
        await Compat.AppendCommandAsync(new(0, 10, "addMessages", "acme", "{}", 200));
        await Compat.AppendCommandAsync(new(0, 20, "suspend", "acme", "{}", 200));
        await Compat.AppendCommandAsync(new(0, 30, "addMessages", null, "{}", 400));
        await Compat.AppendCommandAsync(new(0, 40, "activate", "other", "{}", 200));

        var found = await Compat.CommandsAsync(new(tenant, endpoint, since, until), 10);

        Assert.That(string.Join(' ', found.Select(one => one.Endpoint)), Is.EqualTo(wanted));
    }

    [Test]
    public async Task Commands_VeryMany_TheLastOfEachTenantAreKept()
    {
        await Compat.AppendCommandAsync(new(0, 1, "first", "other", "{}", 200));
        await Task.WhenAll(Enumerable.Range(0, 2_300).Select(i => Compat.AppendCommandAsync(new(0, i, "x", "acme", "{}", 200))));

        Assert.That(await Compat.CommandsAsync(new("acme", null, null, null), 10_000), Has.Count.InRange(2_000, 2_100));
        Assert.That(await Compat.CommandsAsync(new("other", null, null, null), 10_000), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Messages_OfATenant_ByPriorityTimeAndIdAndWithoutHiddenOnes()
    {
        await PutAsync(Mail("b"));
        await PutAsync(Mail("a"));
        await PutAsync(Mail("urgent", priority: Priority.Immediate));
        await PutAsync(Mail("theirs") with { Key = new("other", "theirs") });
        await FinishAsync("sent");

        Assert.That(await ListedAsync(activeOnly: false), Is.EqualTo(new[] { "urgent", "a", "b", "sent" }));
        Assert.That(await ListedAsync(activeOnly: true), Is.EqualTo(new[] { "urgent", "a", "b" }));
        Assert.That(await Compat.CountPendingAsync("default", null), Is.EqualTo(3));
        Assert.That(await Compat.CountPendingAsync("default", "b1"), Is.EqualTo(3));
        Assert.That(await Compat.CountPendingAsync("default", "b2"), Is.Zero);
    }

    [Test]
    public async Task Messages_OfAllTenants_ByPriorityTimeAndId()
    {
        await PutAsync(Mail("b"));
        await PutAsync(Mail("a") with { Key = new("other", "a") });
        await PutAsync(Mail("urgent", priority: Priority.Immediate));
        await FinishAsync("sent");

        Assert.That(await ListedAsync(activeOnly: false, tenant: null), Is.EqualTo(new[] { "urgent", "a", "b", "sent" }));
        Assert.That(await ListedAsync(activeOnly: true, tenant: null), Is.EqualTo(new[] { "urgent", "a", "b" }));
        Assert.That(await Compat.CountPendingAsync(null, null), Is.EqualTo(3));
    }

    [Test]
    public async Task Number_OfAMessage_IsThatOfListsUnlessItIsHidden()
    {
        await PutHookAsync();
        await FinishAsync("told");
        Assert.That(
            new[] { await Compat.NumberAsync("default", "told") },
            Is.EqualTo((await Compat.MessagesAsync("default", activeOnly: false)).Select(static one => (long?)one))
        );
        Assert.That(await Compat.NumberAsync("other", "told"), Is.Null);
        await AcknowledgeAsync(Bench.Log.Last);
        await Compat.HideReportedAsync("default", Hook, Now);
        Assert.That(await Compat.NumberAsync("default", "told"), Is.Null);
    }

    [Test]
    public async Task Commands_PassedOverFoundAndForgotten()
    {
        foreach (var at in new[] { 10, 20, 30 })
            await Compat.AppendCommandAsync(new(0, at, $"at{at}", "acme", "{}", 200));
        var second = (await Compat.CommandsAsync(new(null, null, null, null), 1, offset: 1)).Single();
        Assert.That(second.Endpoint, Is.EqualTo("at20"));
        Assert.That(await Compat.CommandAsync(second.Id), Is.EqualTo(second));
        Assert.That(await Compat.ForgetCommandsAsync(30), Is.EqualTo(2));
        Assert.That(await Compat.CommandAsync(second.Id), Is.Null);
        Assert.That(await Compat.CommandsAsync(new(null, null, null, null), 10), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task HideReported_OnlyWhatIsFinalAndAcknowledgedBeforeIt()
    {
        await PutHookAsync();
        await FinishAsync("told");
        await PutAsync(Mail("waits"));
        await AcknowledgeAsync(Bench.Log.Last);
        await FinishAsync("untold");

        Assert.That(await Compat.HideReportedAsync("default", Hook, Now - 1), Is.Zero);
        Assert.That(await Compat.HideReportedAsync("default", "another", Now), Is.Zero);
        Assert.That(await Compat.HideReportedAsync("other", Hook, Now), Is.Zero);
        Assert.That(await Compat.HideReportedAsync("default", Hook, Now), Is.EqualTo(1));
        Assert.That(await Compat.HideReportedAsync("default", Hook, Now), Is.Zero, "it is hidden already");

        Assert.That(await ListedAsync(activeOnly: false), Is.EquivalentTo(new[] { "untold", "waits" }));
        Assert.That((await PutAsync(Mail("told"))).State, Is.EqualTo(MessageState.Sent), "its id stays known");
    }

    [Test]
    public async Task Message_WithHistory_SaysWhenItWasReported()
    {
        await PutHookAsync();
        await FinishAsync("m1");
        await AcknowledgeAsync(Bench.Log.Last);
        var number = (await Compat.MessagesAsync("default", activeOnly: false))[0];

        var shown = (await Compat.MessageAsync(number, Hook))!;

        Assert.That(shown.Events.Select(one => one.ReportedAt), Is.All.EqualTo(Now));
        Assert.That(shown.Last?.Type, Is.EqualTo(EventType.MessageSent));
        Assert.That(System.Text.Encoding.UTF8.GetString(shown.Json!.Value.Span), Is.EqualTo("""{"text":"one"}"""));
        Assert.That((await Compat.MessageAsync(number, null))!.Events, Is.Empty);
        Assert.That(await Compat.MessageAsync(number + 1, null), Is.Null);
    }

    [Test]
    public async Task Remove_FreesTheIdAndLeavesNothing()
    {
        var file = await Bench.Spool.WriteAsync(Json("large"));
        await PutAsync(Mail("m1") with { Body = new(default, file, 15) });
        await FinishAsync("m2");
        await MarkedAsync(Mail("m3"));
        await PutAsync(Mail("theirs") with { Key = new("other", "theirs") });

        var ends = await Compat.RemoveAsync("default", ["m1", "m2", "m3", "theirs", "nobody"], "ann");
        Bench.Crash();

        Assert.Multiple(() =>
        {
            Assert.That(
                ends,
                Is.EqualTo(
                    new[]
                    {
                        CompatRemoval.Removed,
                        CompatRemoval.Removed,
                        CompatRemoval.Busy,
                        CompatRemoval.NotFound,
                        CompatRemoval.NotFound,
                    }
                )
            );
            Assert.That((Bench.Look("m1"), Bench.Look("m2")), Is.EqualTo(((StoredLook?)null, (StoredLook?)null)));
            Assert.That(Bench.Look("theirs", "other"), Is.Not.Null);
            Assert.That(Bench.SpoolNames(), Does.Not.Contain(file));
            Assert.That((Bench.Count("messages"), Bench.Count("recipients"), Bench.Count("bodies")), Is.EqualTo((2L, 2L, 2L)));
            Assert.That(Bench.Audit().Select(one => one.Action), Has.Exactly(2).EqualTo("message.delete"));
        });
        Assert.That((await PutAsync(Mail("m2", "another"))).Problem, Is.Null);
    }

    [Test]
    public async Task RemovePending_LeavesWhatIsFinalOrBeingSentAndOtherTenants()
    {
        for (var i = 0; i < 250; i++)
            await PutAsync(Mail($"m{i}"));
        await FinishAsync("sent");
        await MarkedAsync(Mail("busy"));
        await PutAsync(Mail("theirs") with { Key = new("other", "theirs") });

        Assert.That(await Compat.RemovePendingAsync("default", "ann"), Is.EqualTo(1));

        Assert.That(await ListedAsync(activeOnly: false), Is.EquivalentTo(new[] { "busy", "sent" }));
        Assert.That(Bench.Look("theirs", "other"), Is.Not.Null);
    }

    [Test]
    public async Task Waiting_OfAnAccount_PageByPage()
    {
        for (var i = 0; i < 5; i++)
            await PutAsync(Mail($"m{i}"));
        await PutAsync(Mail("elsewhere", account: new(2)));
        await FinishAsync("sent");

        var seen = new List<string>();
        for (long? after = 0; after is { } last; )
        {
            var some = await Compat.WaitingAsync(Account, last, 2);
            seen.AddRange(some.Select(one => one.Id));
            after = some.Count == 0 ? null : some[^1].Number;
        }

        Assert.That(seen, Is.EqualTo(new[] { "m0", "m1", "m2", "m3", "m4" }));
    }

    private static Dictionary<string, string> Only(string id, string document) => new() { [id] = document };

    private async Task<IEnumerable<string>> ListedAsync(bool activeOnly, string? tenant = "default")
    {
        var ids = new List<string>();
        foreach (var number in await Compat.MessagesAsync(tenant, activeOnly))
            ids.Add((await Compat.MessageAsync(number, null))!.View.Key.Id);
        return ids;
    }

    private async Task FinishAsync(string id) => await SettleAsync(Sent(await MarkedAsync(Mail(id))));

    private async Task AcknowledgeAsync(long position)
    {
        var stored = (await Bench.Log.EndpointsAsync()).Single();
        await Bench.Log.SaveProgressAsync(stored, new(position));
    }

    private Task PutHookAsync()
    {
        WebhookEndpoint hook = new("default", Hook, "http://hook.example/", WebhookSignature.NewSecret(), [], false, 100, false, new(0))
        {
            Style = ReportStyle.Genro,
        };
        return Bench.Configuration.PutEndpointAsync(hook, "ann");
    }
}
