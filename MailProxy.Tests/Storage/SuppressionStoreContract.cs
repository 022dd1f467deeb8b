using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every suppression list does.</summary>
[TestOf(typeof(ISuppressionStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class SuppressionStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private const string Ann = "ann@example.com";

    private ISuppressionStore Suppressions => Bench.Suppressions;

    private Suppression Entry(
        string target,
        string tenant = "default",
        SuppressionSource source = SuppressionSource.Api,
        long? ends = null
    ) => new(tenant, target, $"about {target}", source, Now, ends);

    private async Task<string[]> TargetsAsync(string tenant = "default", SuppressionSource? source = null) =>
        [.. (await Suppressions.ListAsync(tenant, source, "", 100)).Select(static entry => entry.Target)];

    [Test]
    public async Task Put_NewAndAgain_IsFoundAsItWasPutLast()
    {
        Assert.That(await Suppressions.PutAsync(Entry(Ann, ends: Now + 5), "ann"), Is.True);
        var last = Entry(Ann, source: SuppressionSource.Bounce) with { Reason = "no such user" };
        Assert.That(await Suppressions.PutAsync(last, "bob"), Is.False);
        Bench.Crash();
        Assert.That(await Suppressions.FindAsync("default", Ann), Is.EqualTo(last));
        Assert.That(await Suppressions.FindAsync("default", "bob@example.com"), Is.Null);
        Assert.That(await Suppressions.FindAsync("other", Ann), Is.Null);
    }

    [Test]
    public async Task Put_TenantThatIsNotThere_PutsNothing()
    {
        Assert.That(await Suppressions.PutAsync(Entry(Ann, "nobody"), "ann"), Is.Null);
        Assert.That(await Suppressions.ImportAsync([Entry(Ann, "nobody")]), Is.Null);
        Assert.That(Bench.Count("suppressions"), Is.Zero);
        Assert.That(Bench.Audit(), Is.Empty);
    }

    [Test]
    public async Task Import_SomeKnown_CountsTheNewOnes()
    {
        await Suppressions.PutAsync(Entry(Ann), "ann");
        var entries = new[] { Ann, "bob@example.com", "@example.org" }.Select(target => Entry(target, source: SuppressionSource.Import));
        Assert.That(await Suppressions.ImportAsync([.. entries]), Is.EqualTo(2));
        Assert.That((await Suppressions.FindAsync("default", Ann))!.Source, Is.EqualTo(SuppressionSource.Import));
        Assert.That((await Suppressions.CountAsync("default", 100), await Suppressions.CountAsync("default", 2)), Is.EqualTo((3, 2)));
        Assert.That(await Suppressions.CountAsync("other", 100), Is.Zero);
    }

    [Test]
    public async Task Delete_KnownAndUnknown_TellsWhich()
    {
        await Suppressions.PutAsync(Entry(Ann), "ann");
        Assert.That(await Suppressions.DeleteAsync("default", "bob@example.com", "ann"), Is.False);
        Assert.That(await Suppressions.DeleteAsync("other", Ann, "ann"), Is.False);
        Assert.That(await Suppressions.DeleteAsync("default", Ann, "ann"), Is.True);
        Assert.That(await TargetsAsync(), Is.Empty);
    }

    [Test]
    public async Task List_PagesByTarget_OfOneTenantAndSource()
    {
        await Bench.Configuration.PutTenantAsync(new() { Id = "other", Name = "other" }, "ann");
        foreach (var target in new[] { "c@x.example", "@x.example", "b@x.example", "a@x.example" })
            await Suppressions.PutAsync(Entry(target, source: target[0] == 'b' ? SuppressionSource.Bounce : SuppressionSource.Api), "ann");
        await Suppressions.PutAsync(Entry("z@x.example", "other"), "ann");

        var first = await Suppressions.ListAsync("default", null, "", 3);
        var rest = await Suppressions.ListAsync("default", null, first[^1].Target, 3);
        Assert.That(
            first.Concat(rest).Select(static entry => entry.Target),
            Is.EqualTo(new[] { "@x.example", "a@x.example", "b@x.example", "c@x.example" })
        );
        Assert.That(await TargetsAsync(source: SuppressionSource.Bounce), Is.EqualTo(new[] { "b@x.example" }));
        Assert.That(await TargetsAsync("other"), Is.EqualTo(new[] { "z@x.example" }));
    }

    [Test]
    public async Task Audit_EveryChange_TellsWhoAndWhat()
    {
        await Suppressions.PutAsync(Entry(Ann), "ann");
        await Suppressions.PutAsync(Entry(Ann) with { Reason = "again" }, "bob");
        await Suppressions.ImportAsync([Entry("bob@example.com")]);
        await Suppressions.ImportedAsync("default", 1, 2, "eve");
        await Suppressions.DeleteAsync("default", Ann, "ann");
        await Suppressions.DeleteAsync("default", Ann, "ann"); // changes nothing

        var audit = Bench.Audit();
        Assert.That(
            audit.Select(static a => (a.Actor, a.Action, a.Subject)),
            Is.EqualTo(
                new[]
                {
                    ("ann", "suppression.create", $"suppression/default/{Ann}"),
                    ("bob", "suppression.replace", $"suppression/default/{Ann}"),
                    ("eve", "suppression.import", "suppression/default"),
                    ("ann", "suppression.delete", $"suppression/default/{Ann}"),
                }
            )
        );
        Assert.That(audit[1].Before, Does.Contain($"about {Ann}"));
        Assert.That(audit[1].After, Does.Contain("again"));
        Assert.That(audit[2].After, Is.EqualTo("""{"added":1,"replaced":2}"""));
        Assert.That((audit[0].Before, audit[3].After), Is.EqualTo(((string?)null, (string?)null)));
    }

    [Test]
    public async Task Unsubscribe_RecipientOfAMessage_IsSuppressedForGoodAndToldOnce()
    {
        await SettleAsync(Sent(await MarkedAsync(Mail("m1", to: "Ann@Example.com"))));
        await Suppressions.PutAsync(Entry(Ann, ends: Now + 5), "ann");
        var link = new UnsubscribeLink(await NumberAsync(), new("default", "m1"), "Ann@Example.com");

        Assert.That(await Suppressions.UnsubscribeAsync(link), Is.EqualTo(Unsubscribing.Done));
        Assert.That(await Suppressions.UnsubscribeAsync(link), Is.EqualTo(Unsubscribing.Again));

        var entry = (await Suppressions.FindAsync("default", Ann))!;
        Assert.That((entry.Source, entry.ExpiresAt), Is.EqualTo((SuppressionSource.Unsubscribe, (long?)null)), "instead of one that ends");
        Assert.That(Look("m1").EventTypes.Count(static type => type == EventType.MessageUnsubscribed), Is.EqualTo(1));
    }

    [Test]
    public async Task Unsubscribe_MessageIsGone_IsSuppressedAllTheSame()
    {
        var link = new UnsubscribeLink(await NumberAsync(), new("default", "gone"), Ann);
        Assert.That(await Suppressions.UnsubscribeAsync(link), Is.EqualTo(Unsubscribing.Done));
        Assert.That(await TargetsAsync(), Is.EqualTo(new[] { Ann }));
    }

    [Test]
    public async Task Unsubscribe_TenantIsGoneOrAnotherOfItsName_WritesNothing()
    {
        var number = await NumberAsync();
        UnsubscribeLink[] links = [new(number, new("nobody", "m1"), Ann), new(number + 1, new("default", "m1"), Ann)];
        foreach (var link in links)
            Assert.That(await Suppressions.UnsubscribeAsync(link), Is.EqualTo(Unsubscribing.Unknown));
        Assert.That(Bench.Count("suppressions"), Is.Zero);
    }

    private async Task<int> NumberAsync() => (await Bench.Configuration.TenantsAsync()).Single(static one => one.Id == "default").Number;
}
