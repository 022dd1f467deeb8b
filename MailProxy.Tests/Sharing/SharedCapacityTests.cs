using MailProxy.Pipeline.Sharing;
using NUnit.Framework;

namespace MailProxy.Tests.Sharing;

public sealed class SharedCapacityTests
{
    private readonly SharedCapacity _capacity = new(100, new(0.5, static () => true));

    [Test]
    public void TryTake_BeyondTheShare_RefusedWhileAnotherTenantStillGetsItsPart()
    {
        var hog = Enumerable.Range(0, 100).Select(_ => _capacity.TryTake("hog", 1)).Count(charge => charge is not null);
        Assert.That(hog, Is.EqualTo(50));
        Assert.That(_capacity.TryTake("victim", 25), Is.Not.Null);
        Assert.That(_capacity.Of("hog"), Is.EqualTo((50L, 37L)));
    }

    [Test]
    public async Task TakeAsync_CapacityComesBack_TenantsInTurn()
    {
        var all = _capacity.TryTake("first", 100)!;
        var order = new List<string>();
        async Task WaitAsync(string tenant, string name)
        {
            using var charge = await _capacity.TakeAsync(tenant, 40, CancellationToken.None);
            lock (order)
                order.Add(name);
        }

        Task[] waiting = [WaitAsync("a", "a1"), WaitAsync("a", "a2"), WaitAsync("b", "b1")];
        all.Dispose();
        await Task.WhenAll(waiting);
        Assert.That(order, Is.EquivalentTo(["a1", "a2", "b1"]));
        Assert.That(_capacity.Used, Is.Zero);
    }

    [Test]
    public async Task TakeAsync_LargeOneWaits_SmallOneOfAnotherTenantPasses()
    {
        using var held = _capacity.TryTake("a", 50);
        using var cancel = new CancellationTokenSource();
        using var second = _capacity.TryTake("c", 10);
        var large = _capacity.TakeAsync("b", 90, cancel.Token).AsTask();
        using var small = await _capacity.TakeAsync("d", 10, CancellationToken.None);
        Assert.That(large.IsCompleted, Is.False);
        await cancel.CancelAsync();
        Assert.ThrowsAsync<TaskCanceledException>(() => large);
    }

    [Test]
    public async Task TakeAsync_Cancelled_HoldsNothingAndLetsTheNextGo()
    {
        var held = _capacity.TryTake("a", 100)!;
        using var cancel = new CancellationTokenSource();
        var gone = _capacity.TakeAsync("b", 60, cancel.Token).AsTask();
        var next = _capacity.TakeAsync("b", 10, CancellationToken.None).AsTask();
        await cancel.CancelAsync();
        Assert.ThrowsAsync<TaskCanceledException>(() => gone);
        held.Dispose();
        using (await next)
            Assert.That(_capacity.Used, Is.EqualTo(10));
        Assert.That(_capacity.Of("b").Held, Is.Zero);
    }

    [Test]
    public async Task TakeAsync_ManyAtOnce_NothingIsLostOrHeldTwice()
    {
        async Task UseAsync(int of)
        {
            for (var i = 0; i < 200; i++)
            {
                using var charge = await _capacity.TakeAsync($"t{of % 5}", 1 + ((of + i) % 30), CancellationToken.None);
                Assert.That(_capacity.Used, Is.LessThanOrEqualTo(100));
                await Task.Yield();
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 20).Select(of => Task.Run(() => UseAsync(of))));
        Assert.That(_capacity.Used, Is.Zero);
        Assert.That(Enumerable.Range(0, 5).Select(t => _capacity.Of($"t{t}").Held), Has.All.Zero);
    }

    [Test]
    public void Dispose_Twice_GivesBackOnce()
    {
        var charge = _capacity.TryTake("a", 10)!;
        using var other = _capacity.TryTake("b", 10);
        charge.Dispose();
        charge.Dispose();
        Assert.That(_capacity.Used, Is.EqualTo(10));
    }

    [Test]
    public async Task GrowAsync_OnlyChargeOfItsTenant_IntoAllThatIsFree()
    {
        using var other = _capacity.TryTake("b", 20);
        using var charge = _capacity.TryTake("a", 10)!;
        await _capacity.GrowAsync(charge, 70, CancellationToken.None);
        Assert.That((charge.Amount, _capacity.Of("a").Held, _capacity.Used), Is.EqualTo((80L, 80L, 100L)));
    }

    [Test]
    public async Task GrowAsync_BeyondTheShare_WaitsBeforeWhatIsToBeginAndHoldsWhatItHas()
    {
        var first = _capacity.TryTake("a", 20)!;
        using var second = _capacity.TryTake("a", 30)!;
        var begin = _capacity.TakeAsync("a", 5, CancellationToken.None).AsTask();
        var grow = _capacity.GrowAsync(second, 20, CancellationToken.None).AsTask();
        Assert.That((grow.IsCompleted, begin.IsCompleted, second.Amount), Is.EqualTo((false, false, 30L)));
        first.Dispose();
        await grow;
        Assert.That((second.Amount, begin.IsCompleted), Is.EqualTo((50L, false)));
        second.Dispose();
        using (await begin)
            Assert.That(_capacity.Used, Is.EqualTo(5));
        Assert.That(_capacity.Used, Is.Zero);
    }

    [Test]
    public async Task GrowAsync_Cancelled_ChargeStaysAsItWas()
    {
        using var first = _capacity.TryTake("a", 30)!;
        var second = _capacity.TryTake("a", 20)!;
        using var cancel = new CancellationTokenSource();
        var grow = _capacity.GrowAsync(second, 20, cancel.Token).AsTask();
        await cancel.CancelAsync();
        Assert.ThrowsAsync<TaskCanceledException>(() => grow);
        second.Dispose();
        Assert.That((_capacity.Used, _capacity.Of("a").Held), Is.EqualTo((30L, 30L)));
    }
}
