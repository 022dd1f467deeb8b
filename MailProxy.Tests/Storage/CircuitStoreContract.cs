using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What is kept of accounts in trouble.</summary>
[TestOf(typeof(ICircuitStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class CircuitStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private ICircuitStore Circuits => Bench.Circuits;

    [Test]
    public async Task Save_ThenTheProcessIsKilled_IsThere()
    {
        var circuit = Circuit(await PutAccountAsync("main"));
        await SaveAsync(circuit.Account, circuit);
        Bench.Crash();

        var kept = (await Circuits.AllAsync()).Single();

        Assert.That(kept with { Trouble = circuit.Trouble, Told = circuit.Told }, Is.EqualTo(circuit));
        Assert.That(kept.Trouble with { Steps = circuit.Trouble.Steps }, Is.EqualTo(circuit.Trouble));
        Assert.That(kept.Told, Is.EqualTo(circuit.Told));
    }

    [Test]
    public async Task Save_AgainAndClosed_IsReplacedAndGone()
    {
        var account = await PutAccountAsync("main");
        await SaveAsync(account, Circuit(account));
        await SaveAsync(account, Circuit(account) with { Failures = 7 });
        Assert.That((await Circuits.AllAsync()).Single().Failures, Is.EqualTo(7));

        await SaveAsync(account, null);

        Assert.That(await Circuits.AllAsync(), Is.Empty);
    }

    [Test]
    public async Task Save_OfAnAccountThatIsGone_KeepsNothing()
    {
        var account = await PutAccountAsync("main");
        await SaveAsync(account, Circuit(account));
        await Bench.Configuration.DeleteAccountAsync("default", "main", "test");
        Assert.That(Bench.Count("account_circuits"), Is.Zero, "it goes with it");

        await SaveAsync(account, Circuit(account));

        Assert.That(Bench.Count("account_circuits"), Is.Zero);
    }

    /// <summary>What it says instead of what was written; null: instead of all.</summary>
    private static readonly (string? Was, string Now)[] Damages =
    [
        (null, ""),
        (null, "{"),
        (null, "null"),
        (null, "[]"),
        (null, "{}"),
        ("\"kind\":\"Connect\"", "\"kind\":\"Nonsense\""),
        ("\"kind\":\"Connect\"", "\"kind\":\"250\""),
        ("\"kind\":\"Connect\"", "\"kind\":null"),
        ("\"until\":3000", "\"until\":9223372036854775807"),
        ("\"until\":3000", "\"until\":1"),
        ("\"until\":3000", "\"until\":1e400"),
        ("\"from\":2000", "\"from\":-9223372036854775808"),
        ("\"failures\":2", "\"failures\":-1"),
        ("\"failures\":2", "\"failures\":99999999999"),
        ("\"told\":[", "\"told\":[7,"),
        ("\"smtp_code\":421", "\"smtp_code\":4.5"),
        ("\"version\":1", "\"version\":\"1\""),
    ];

    [Test]
    public async Task All_DamagedRows_AreLeftOutAlone()
    {
        var good = await PutAccountAsync("good");
        await SaveAsync(good, Circuit(good));
        for (var i = 0; i < Damages.Length; i++)
        {
            var (was, now) = Damages[i];
            var bad = await PutAccountAsync($"bad{i}");
            var whole = StoredCircuit.Write(Circuit(bad));
            var json = was is null ? now : whole.Replace(was, now, StringComparison.Ordinal);
            Assert.That(json, Is.Not.EqualTo(whole));
            await Bench.Damage.KeepCircuitAsync(bad, json);
        }

        Assert.That((await Circuits.AllAsync()).Select(static kept => kept.Account), Is.EqualTo(new[] { good }));
        Assert.That(Bench.Count("account_circuits"), Is.EqualTo(1 + Damages.Length));
    }

    [Test]
    public async Task All_LongReply_IsBounded()
    {
        var account = await PutAccountAsync("main");
        var circuit = Circuit(account);
        await SaveAsync(account, circuit with { Trouble = circuit.Trouble with { Reply = new('x', 1_000_000) } });

        Assert.That((await Circuits.AllAsync()).Single().Trouble.Reply, Has.Length.EqualTo(1000));
    }

    private Task SaveAsync(AccountKey account, Circuit? circuit) =>
        Circuits.SaveAsync(new Dictionary<AccountKey, Circuit?> { [account] = circuit });

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
