using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>Keys of sign-ins: kept sealed, in their order, each name once.</summary>
[TestOf(typeof(IPageKeys))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class PageKeysContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private IPageKeys Keys => Bench.PageKeys;

    [Test]
    public async Task All_AfterARestart_AreThoseThatWereAdded()
    {
        Assert.That(await Keys.AllAsync(), Is.Empty);
        await Keys.AddAsync("key-1", "<key>first</key>");
        await Keys.AddAsync("key-2", "<key>second</key>");
        await Keys.AddAsync("key-1", "<key>another</key>");

        Bench.Crash();
        Assert.That(await Keys.AllAsync(), Is.EquivalentTo(new[] { "<key>first</key>", "<key>second</key>" }));
    }

    [Test]
    public async Task Add_IsSealed()
    {
        await Keys.AddAsync("key-1", "<key>s3cr3t</key>");
        Assert.That(await Bench.LeftAsync("s3cr3t"), Is.False);
        Assert.That(await Bench.LeftAsync("key-1"), Is.True, "it looks where the key is");
    }
}
