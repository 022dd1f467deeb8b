using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>What is kept of accounts in trouble.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SqliteCircuitStoreTests : IDisposable
{
    private readonly SqliteBench _bench = new();

    private SqlCircuitStore Store => new(_bench.Database, NullLogger.Instance);

    public void Dispose() => _bench.Dispose();

    [Test]
    public async Task Save_ThenTheProcessIsKilled_IsThere()
    {
        var account = await AccountAsync("main");
        var circuit = Circuit(account);
        await SaveAsync(account, circuit);
        _bench.Crash();

        var kept = (await Store.AllAsync()).Single();

        Assert.That(kept with { Trouble = circuit.Trouble, Told = circuit.Told }, Is.EqualTo(circuit));
        Assert.That(kept.Trouble with { Steps = circuit.Trouble.Steps }, Is.EqualTo(circuit.Trouble));
        Assert.That(kept.Told, Is.EqualTo(circuit.Told));
    }

    [Test]
    public async Task Save_AgainAndClosed_IsReplacedAndGone()
    {
        var account = await AccountAsync("main");
        await SaveAsync(account, Circuit(account));
        await SaveAsync(account, Circuit(account) with { Failures = 7 });
        Assert.That((await Store.AllAsync()).Single().Failures, Is.EqualTo(7));

        await SaveAsync(account, null);

        Assert.That(await Store.AllAsync(), Is.Empty);
    }

    [Test]
    public async Task Save_OfAnAccountThatIsGone_KeepsNothing()
    {
        var account = await AccountAsync("main");
        await SaveAsync(account, Circuit(account));
        await _bench.Configuration.DeleteAccountAsync("default", "main", "test");
        Assert.That(_bench.Count("account_circuits"), Is.Zero, "it goes with it");

        await SaveAsync(account, Circuit(account));

        Assert.That(_bench.Count("account_circuits"), Is.Zero);
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("null")]
    [TestCase("[]")]
    [TestCase("{}")]
    [TestCase("\"kind\":\"Connect\"", "\"kind\":\"Nonsense\"")]
    [TestCase("\"kind\":\"Connect\"", "\"kind\":\"250\"")]
    [TestCase("\"kind\":\"Connect\"", "\"kind\":null")]
    [TestCase("\"until\":3000", "\"until\":9223372036854775807")]
    [TestCase("\"until\":3000", "\"until\":1")]
    [TestCase("\"until\":3000", "\"until\":1e400")]
    [TestCase("\"from\":2000", "\"from\":-9223372036854775808")]
    [TestCase("\"failures\":2", "\"failures\":-1")]
    [TestCase("\"failures\":2", "\"failures\":99999999999")]
    [TestCase("\"told\":[", "\"told\":[7,")]
    [TestCase("\"smtp_code\":421", "\"smtp_code\":4.5")]
    [TestCase("\"version\":1", "\"version\":\"1\"")]
    public async Task All_DamagedRow_IsLeftOutAlone(string was, string? now = null)
    {
        var (good, bad) = (await AccountAsync("good"), await AccountAsync("bad"));
        await SaveAsync(good, Circuit(good));
        var whole = StoredCircuit.Write(Circuit(bad));
        var json = now is null ? was : whole.Replace(was, now, StringComparison.Ordinal);
        Assert.That(json, Is.Not.EqualTo(whole));
        await _bench.RunAsync($"INSERT INTO account_circuits VALUES ({bad.Number}, '{json.Replace("'", "''")}')");

        Assert.That((await Store.AllAsync()).Select(static kept => kept.Account), Is.EqualTo(new[] { good }));
    }

    [Test]
    public async Task All_LongReply_IsBounded()
    {
        var account = await AccountAsync("main");
        var circuit = Circuit(account);
        await SaveAsync(account, circuit with { Trouble = circuit.Trouble with { Reply = new('x', 1_000_000) } });

        Assert.That((await Store.AllAsync()).Single().Trouble.Reply, Has.Length.EqualTo(1000));
    }

    private Task SaveAsync(AccountKey account, Circuit? circuit) =>
        Store.SaveAsync(new Dictionary<AccountKey, Circuit?> { [account] = circuit });

    private async Task<AccountKey> AccountAsync(string id)
    {
        await _bench.Configuration.PutAccountAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = id,
                Version = 0,
                Host = "smtp.example",
                Port = 25,
            },
            "test"
        );
        return (await _bench.Configuration.AccountsAsync()).Single(account => account.Id == id).Key;
    }

    private static Circuit Circuit(AccountKey account) =>
        new()
        {
            Trouble = new(account, TroubleKind.Connect, 421, "4.3.2", "no 'quotes' \"here\" ü")
            {
                Rule = "any/x",
                Remedy = "Look.",
                Customer = "ms/contoso",
                Via = "other",
            },
            Since = 1000,
            From = 2000,
            Until = 3000,
            Failures = 2,
            Version = 1,
            Told = [EventType.AccountCircuitOpened, EventType.AccountAuthFailed],
        };
}
