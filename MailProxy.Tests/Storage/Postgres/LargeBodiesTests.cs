using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>Large bodies in the database, for nodes that have no file of them.</summary>
[TestOf(typeof(ILargeBodies))]
internal sealed class LargeBodiesTests : MessageStoreContract<PostgresBench>
{
    private const int Part = 256 * 1024;

    private TempDirectory _directory = null!;

    private ILargeBodies Bodies => Bench.Database.LargeBodies;

    [SetUp]
    public void MakeDirectory() => _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    private string PathOf(string name) => Path.Combine(_directory.Path, name);

    private string Write(int size)
    {
        var octets = new byte[size];
        new Random(size).NextBytes(octets);
        File.WriteAllBytes(PathOf("body"), octets);
        return PathOf("body");
    }

    private Task<byte[]?> ReadInTurnAsync(string name) => Bench.Data.Writer.WriteAsync(session => Bodies.Read(session, name));

    [Test]
    public async Task Read_PartIsMissing_IsNull()
    {
        await Bodies.PutAsync("a", Write(3 * Part));
        await Bench.RunAsync("DELETE FROM large_bodies WHERE part = 1");
        Assert.That(await ReadInTurnAsync("a"), Is.Null);
    }

    [TestCase(1)]
    [TestCase(Part - 1)]
    [TestCase(Part)]
    [TestCase(Part + 1)]
    [TestCase(4 * Part)]
    public async Task Fetch_WhatWasPut_IsTheSame(int size)
    {
        await Bodies.PutAsync("a", Write(size));

        Assert.That(await Bodies.FetchAsync("a", PathOf("one")), Is.True);
        Assert.That(await File.ReadAllBytesAsync(PathOf("one")), Is.EqualTo(await File.ReadAllBytesAsync(PathOf("body"))));
        Assert.That(Directory.GetFiles(_directory.Path), Has.Length.EqualTo(2), "no draft is left");
        Assert.That(await ReadInTurnAsync("a"), Is.EqualTo(await File.ReadAllBytesAsync(PathOf("body"))));
    }

    [Test]
    public async Task Fetch_NothingOfTheName_WritesNothing()
    {
        Assert.That(await Bodies.FetchAsync("a", PathOf("one")), Is.False);
        Assert.That(await ReadInTurnAsync("a"), Is.Null);
        Assert.That(Directory.GetFiles(_directory.Path), Is.Empty);
    }

    [Test]
    public async Task Delete_IsGone()
    {
        await Bodies.PutAsync("a", Write(Part + 1));
        Bodies.Delete("a");
        await Eventually.BecomesAsync(() => Bodies.FetchAsync("a", PathOf("one")), static there => !there);
        Assert.That((Bench.Count("large_bodies"), Bench.Count("large_body_names")), Is.EqualTo((0L, 0L)));
    }

    [Test]
    public void Put_FileThatIsNotThere_KeepsNothing()
    {
        Assert.That(() => Bodies.PutAsync("a", PathOf("nowhere")), Throws.InstanceOf<IOException>());
        Assert.That(Bench.Count("large_bodies"), Is.Zero);
    }

    [Test]
    public async Task Database_IsAway_SaysSoAndLeavesNothing()
    {
        await Bodies.PutAsync("a", Write(Part + 1));
        await Bench.BreakAsync();

        Assert.That(() => Bodies.PutAsync("b", PathOf("body")), Throws.InstanceOf<IOException>());
        Assert.That(() => Bodies.FetchAsync("a", PathOf("one")), Throws.InstanceOf<StoreUnavailableException>());
        Assert.That(Directory.GetFiles(_directory.Path), Has.Length.EqualTo(1));

        Bench.Mend();
        Assert.That(await Bodies.FetchAsync("a", PathOf("one")), Is.True);
    }
}
