using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What is told of secrets that end: each step once, and each end anew.</summary>
[TestOf(typeof(ISecretWarnings))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class SecretWarningsContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private const long End = 5_000;

    private Task<bool> TellAsync(AccountKey account, int days, long end = End) =>
        Bench.Warnings.TellAsync("default", account, end, days, "\"days\":1"u8.ToArray(), Now);

    private async Task<IReadOnlyList<MailEvent>> ToldAsync() => (await Bench.Log.ReadAsync("default", 0, 100)).Events;

    [Test]
    public async Task Tell_EachStep_IsToldOnceAndNeverBackwards()
    {
        var account = await PutAccountAsync("main");
        Assert.That(await TellAsync(account, 30), Is.True);
        Assert.That(await TellAsync(account, 30), Is.False, "it was told");
        Assert.That(await TellAsync(account, 7), Is.True);
        Assert.That(await TellAsync(account, 30), Is.False, "a later step was told");
        Bench.Crash();
        Assert.That(await TellAsync(account, 7), Is.False, "also before the crash");
        Assert.That(await TellAsync(account, 0), Is.True);

        var told = await ToldAsync();
        Assert.That(told.Select(static e => (e.Type, e.Account, e.At)), Has.All.EqualTo((EventType.AccountSecretExpiring, "main", Now)));
        Assert.That(told, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task Tell_AnotherEnd_IsToldAnew()
    {
        var account = await PutAccountAsync("main");
        await TellAsync(account, 0);
        Assert.That(await TellAsync(account, 30, End + 1), Is.True);
        Assert.That(await TellAsync(account, 30, End + 1), Is.False);
    }

    [Test]
    public async Task Tell_OfTwoAccounts_IsToldOfEach()
    {
        var (one, two) = (await PutAccountAsync("one"), await PutAccountAsync("two"));
        Assert.That((await TellAsync(one, 7), await TellAsync(two, 7)), Is.EqualTo((true, true)));
        Assert.That((await ToldAsync()).Select(static e => e.Account), Is.EqualTo(new[] { "one", "two" }));
    }

    [Test]
    public async Task Tell_AccountIsGone_TellsNothing()
    {
        var account = await PutAccountAsync("main");
        await Bench.Configuration.DeleteAccountAsync("default", "main", "test");
        Assert.That(await TellAsync(account, 7), Is.False);
        Assert.That(await ToldAsync(), Is.Empty);
    }
}
