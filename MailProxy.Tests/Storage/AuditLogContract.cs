using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>What every audit log does.</summary>
[TestOf(typeof(IAuditLog))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class AuditLogContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private IAuditLog Log => Bench.AuditLog;

    private async Task AppendAsync(int count)
    {
        for (var i = 1; i <= count; i++)
            await Log.AppendAsync("unknown", "key.refused", $"s{i}", i == 1 ? null : "{}");
    }

    [Test]
    public async Task Append_IsReadWholeWithTheTimeOfTheStoreAlsoAfterACrash()
    {
        await Log.AppendAsync("unknown", "key.refused", "key/default/k1", """{"from":"10.0.0.1"}""");
        Bench.Clock.Advance(TimeSpan.FromSeconds(3));
        await Log.AppendAsync("ann", "queue.look", "queue", null);
        Bench.Crash();

        var entries = await Log.ReadAsync(0, 10);
        Assert.That(
            entries.Select(static e => (e.Actor, e.Action, e.Subject, e.Before, e.After)),
            Is.EqualTo(
                new[]
                {
                    ("unknown", "key.refused", "key/default/k1", (string?)null, """{"from":"10.0.0.1"}"""),
                    ("ann", "queue.look", "queue", null, null),
                }
            )
        );
        Assert.That(entries.Select(static e => e.At), Is.EqualTo(new[] { Now - 3_000, Now }));
        Assert.That(entries[0].Number, Is.GreaterThan(0).And.LessThan(entries[1].Number));
    }

    [Test]
    public async Task Read_Pages_OldestFirst()
    {
        await AppendAsync(3);
        var first = await Log.ReadAsync(0, 2);
        var rest = await Log.ReadAsync(first[^1].Number, 2);
        Assert.That(first.Concat(rest).Select(static e => e.Subject), Is.EqualTo(new[] { "s1", "s2", "s3" }));
        Assert.That(await Log.ReadAsync(rest[^1].Number, 2), Is.Empty);
    }

    [Test]
    public async Task ReadBack_Pages_NewestFirst()
    {
        await AppendAsync(3);
        var first = await Log.ReadBackAsync(long.MaxValue, 2);
        var rest = await Log.ReadBackAsync(first[^1].Number, 2);
        Assert.That(first.Concat(rest).Select(static e => e.Subject), Is.EqualTo(new[] { "s3", "s2", "s1" }));
        Assert.That(await Log.ReadBackAsync(rest[^1].Number, 2), Is.Empty);
    }

    [Test]
    public async Task Change_OfAStore_IsBetweenWhatIsAppended()
    {
        await AppendAsync(1);
        await Bench.Batches.SetSuspendedAsync("default", "news", true, "ann");
        await Log.AppendAsync("bob", "queue.look", "queue", null);
        Assert.That(
            (await Log.ReadAsync(0, 10)).Select(static e => e.Action),
            Is.EqualTo(new[] { "key.refused", "batch.suspend", "queue.look" })
        );
    }
}
