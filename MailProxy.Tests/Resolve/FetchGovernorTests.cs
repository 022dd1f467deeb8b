using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

internal sealed class FetchGovernorTests
{
    private const string A = "a.example",
        B = "b.example",
        T = "acme",
        U = "bolt";

    [Test]
    public void Enter_OneHost_HasAQuarterOfAll()
    {
        var governor = Governor(8, 8, 1000);
        var entered = Enter(governor, A, 0, 5);

        Assert.That(Granted(entered), Is.EqualTo(2));
        Assert.That(Granted(Enter(governor, B, 0, 5)), Is.EqualTo(2));
    }

    [Test]
    public void Enter_All_AreBounded()
    {
        var governor = Governor(8, 8, 1000);
        var entered = Enumerable.Range(0, 9).SelectMany(i => Enter(governor, $"{i}.example", 0, 1)).ToList();

        Assert.That((Granted(entered), governor.Running), Is.EqualTo((8, 8)));
        entered[0].Result().Release();
        Assert.That(Granted(entered), Is.EqualTo(9));
    }

    [Test]
    public void Enter_WithoutCapacity_WaitsUntilSomeIsGivenBack()
    {
        var governor = Governor(32, 8, 400);
        var entered = Enter(governor, A, 50, 3);
        Assert.That(Granted(entered), Is.EqualTo(2), "a quarter of the bytes");

        entered[0].Result().Landed();
        Assert.That(Granted(entered), Is.EqualTo(2), "the bytes are there still");
        entered[0].Result().Release();
        Assert.That((Granted(entered), governor.Used), Is.EqualTo((3, 100)));
    }

    [Test]
    public void Resize_Smaller_LetsTheNextIn()
    {
        var governor = Governor(32, 8, 400);
        var entered = Enter(governor, A, 100, 2);
        Assert.That(Granted(entered), Is.EqualTo(1));

        entered[0].Result().Resize(1);
        Assert.That((Granted(entered), governor.Used), Is.EqualTo((1, 1)));
        entered[0].Result().Resize(0);
        Assert.That(Granted(entered), Is.EqualTo(2));
    }

    [Test]
    public void Enter_LargerThanAll_GoesAlone()
    {
        var governor = Governor(32, 8, 400);
        var large = Enter(governor, A, 1000, 1);
        var next = Enter(governor, B, 1, 1);
        Assert.That((Granted(large), Granted(next)), Is.EqualTo((1, 0)));

        large[0].Result().Release();
        Assert.That(Granted(next), Is.EqualTo(1));
    }

    [Test]
    public void Enter_LargeOne_IsNotPassedByTheSmallForEver()
    {
        var governor = Governor(32, 8, 400);
        var before = Enumerable.Range(0, 4).Select(i => Enter(governor, $"{i}.example", 90, 1)[0]).ToList();
        var large = Enter(governor, A, 100, 1);
        var small = Enter(governor, B, 10, 1);
        Assert.That((Granted(before), Granted(large), Granted(small)), Is.EqualTo((4, 0, 0)));

        before[0].Result().Release();
        Assert.That((Granted(large), Granted(small)), Is.EqualTo((1, 1)));
    }

    [Test]
    public void Enter_WhenAllCapacityIsHeldByMailThatWaits_LetsOneIn()
    {
        var governor = Governor(32, 8, 400);
        var entered = Enter(governor, A, 100, 3);
        entered[0].Result().Hold();
        entered[0].Result().Landed();
        Assert.That(Granted(entered), Is.EqualTo(2), "nothing runs and nothing is ready, so nothing else would ever move");

        entered[1].Result().Hold();
        entered[1].Result().Ready();
        entered[1].Result().Landed();
        Assert.That(Granted(entered), Is.EqualTo(2), "a mail that is ready goes and gives its capacity back");

        entered[1].Result().Release(wasReady: true);
        entered[1].Result().Release();
        Assert.That(Granted(entered), Is.EqualTo(3));
    }

    [Test]
    public void Hosts_TakeTurns()
    {
        var governor = Governor(4, 4, 1000);
        var order = new List<string>();
        var first = Enumerable.Range(0, 4).Select(i => Enter(governor, $"{i}.example", 0, 1)[0]).ToList();
        var many = Enter(governor, A, 0, 3);
        var one = Enter(governor, B, 0, 1);

        first[0].Result().Release();
        if (Granted(many) == 1)
            order.Add("a");
        first[1].Result().Release();
        if (Granted(one) == 1)
            order.Add("b");
        first[2].Result().Release();

        Assert.That(order, Is.EqualTo(new[] { "a", "b" }));
        Assert.That(Granted(many), Is.EqualTo(1), "one host, one quarter");
    }

    [Test]
    public void Enter_OfSeveralTenants_HasHalfOfWhatTheOthersLeave()
    {
        var governor = Governor(32, 8, 1_000_000, several: true);
        var greedy = Enumerable.Range(0, 8).SelectMany(i => Enter(governor, $"{i}.example", 0, 8)).ToList();
        Assert.That(Granted(greedy), Is.EqualTo(16), "however many hosts it names");

        var other = Enumerable.Range(0, 8).SelectMany(i => Enter(governor, $"{i}.other.example", 0, 8, U)).ToList();
        Assert.That((Granted(other), governor.FetchesOf(T), governor.FetchesOf(U)), Is.EqualTo((8, (16L, 12L), (8L, 8L))));
    }

    [Test]
    public void Enter_OfOneHost_IsSharedToo()
    {
        var governor = Governor(32, 8, 1_000_000, several: true);
        Assert.That(Granted(Enter(governor, A, 0, 8)), Is.EqualTo(4));
        Assert.That(Granted(Enter(governor, A, 0, 8, U)), Is.EqualTo(2), "half of the other four");
    }

    [Test]
    public void Enter_Bytes_AreSharedToo()
    {
        var governor = Governor(32, 8, 800, several: true);
        var greedy = Enumerable.Range(0, 4).SelectMany(i => Enter(governor, $"{i}.example", 100, 2)).ToList();
        Assert.That((Granted(greedy), governor.BytesOf(T)), Is.EqualTo((4, (400L, 400L))));

        foreach (var ticket in greedy.Where(static t => t.IsCompleted))
            ticket.Result().Ready();
        Assert.That(Granted(Enter(governor, A, 100, 1, U)), Is.EqualTo(1));
    }

    [Test]
    public void Tenants_TakeTurns_HoweverManyHostsOneNames()
    {
        var governor = Governor(1, 4, 1000, several: true);
        var first = Enter(governor, A, 0, 1);
        var many = Enumerable.Range(10, 50).SelectMany(i => Enter(governor, $"{i}.example", 0, 1)).ToList();
        var other = Enter(governor, B, 0, 1, U);

        first[0].Result().Release();
        Assert.That((Granted(many), Granted(other)), Is.EqualTo((1, 0)));
        many[0].Result().Release();
        Assert.That((Granted(many), Granted(other)), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task Cancelled_WhileWaiting_LeavesTheTurnToTheNext()
    {
        var governor = Governor(4, 4, 1000);
        using var cancel = new CancellationTokenSource();
        var entered = Enter(governor, A, 0, 1);
        var waiting = governor.EnterAsync(T, A, 0, cancel.Token);
        var next = Enter(governor, A, 0, 1);

        await cancel.CancelAsync();
        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
        entered[0].Result().Release();

        Assert.That(Granted(next), Is.EqualTo(1));
    }

    private static FetchGovernor Governor(int total, int perHost, long bytes, bool several = false) =>
        new(total, perHost, bytes, new(0.5, () => several));

    private static List<Task<FetchPermit>> Enter(FetchGovernor governor, string host, long size, int count, string tenant = T) =>
        [.. Enumerable.Range(0, count).Select(_ => governor.EnterAsync(tenant, host, size, CancellationToken.None))];

    private static int Granted(List<Task<FetchPermit>> entered) => entered.Count(static task => task.IsCompletedSuccessfully);
}

internal static class FetchPermitExtensions
{
    public static FetchPermit Result(this Task<FetchPermit> entered) => entered.GetAwaiter().GetResult();
}
