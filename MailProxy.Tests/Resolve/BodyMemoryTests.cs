using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Sharing;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

internal sealed class BodyMemoryTests
{
    private static readonly TenantShare Half = new(0.5, static () => true);

    [Test]
    public void TryTake_ATenantsLargeBody_LeavesOthersCapacityForSmallOnesAndOneLarge()
    {
        var memory = new BodyMemory(1000, Half);
        Assert.That(memory.TryTake("a", 5000), Is.Not.Null, "larger than everything");
        Assert.That(memory.Bytes.Used, Is.EqualTo(250));
        Assert.That(memory.TryTake("a", 5000), Is.Null, "one at a time");
        Assert.That(memory.TryTake("a", 250), Is.Not.Null);
        Assert.That(memory.TryTake("b", 200), Is.Not.Null);

        Assert.That(memory.TryTake("c", 5000), Is.Not.Null);
        Assert.That(memory.TryTake("d", 5000), Is.Null, "two in all");
        Assert.That(memory.TryTake("d", 20), Is.Not.Null);
    }

    [Test]
    public void TryTake_OneTenant_HasAllButOneLargeAtATime()
    {
        var memory = new BodyMemory(1000, TenantShare.Unlimited);
        Assert.That(memory.TryTake("a", 5000), Is.Not.Null);
        Assert.That(memory.TryTake("a", 5000), Is.Null);
        Assert.That(memory.TryTake("a", 250), Is.Not.Null);
        Assert.That(memory.TryTake("a", 250), Is.Not.Null);
        Assert.That(memory.TryTake("a", 250), Is.Not.Null);
        Assert.That(memory.TryTake("a", 1), Is.Null);
    }

    [Test]
    public async Task TakeAsync_Large_WaitsForTheOneBeforeAndGivesAllBack()
    {
        var memory = new BodyMemory(1000, Half);
        var first = await memory.TakeAsync("a", 5000, CancellationToken.None);
        using var cancel = new CancellationTokenSource();
        var second = memory.TakeAsync("a", 5000, CancellationToken.None).AsTask();
        var third = memory.TakeAsync("a", 5000, cancel.Token).AsTask();
        Assert.That(second.IsCompleted, Is.False);

        await cancel.CancelAsync();
        first.Dispose();
        (await second.WaitAsync(TimeSpan.FromSeconds(30))).Dispose();
        Assert.That(async () => await third, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(memory.Bytes.Used, Is.Zero);
        Assert.That(memory.TryTake("a", 5000), Is.Not.Null);
    }
}
