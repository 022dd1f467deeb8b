using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Flow;

internal sealed class WakeTests
{
    private static readonly AccountKey Account = new(1);

    private readonly AccountTrouble _trouble = new(Account, TroubleKind.Connect, null, null, "refused");

    [Test]
    public void WaitAsync_NothingPut_IsPending()
    {
        var wake = new Wake();

        Assert.That(wake.WaitAsync().IsCompleted, Is.False);
        Assert.That(wake.Drain(), Is.SameAs(WakeSet.Nothing));
    }

    [Test]
    public async Task Put_BeforeOrAfterTheWait_Completes()
    {
        var wake = new Wake();
        var before = wake.WaitAsync();
        wake.Look();
        await before.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(wake.WaitAsync().IsCompleted, Is.True);
        wake.Drain();
        Assert.That(wake.WaitAsync().IsCompleted, Is.False);
    }

    [Test]
    public void Due_Twice_KeepsTheEarliest()
    {
        var wake = new Wake();
        wake.Due(A, 500);
        wake.Due(A, 900);
        wake.Due(B, 700);
        wake.Due(B, 0);

        var set = wake.Drain();

        Assert.That(set.DueByLane, Is.EquivalentTo(new Dictionary<LaneKey, long> { [A] = 500, [B] = 0 }));
    }

    [Test]
    public void Unpark_AfterPark_ForgetsThePark()
    {
        var wake = new Wake();
        wake.Park(_trouble, 1000);
        wake.Unpark(Account);

        var set = wake.Drain();

        Assert.That(set.Parked, Is.Empty);
        Assert.That(set.Unparked, Is.EquivalentTo(new[] { Account }));
    }

    [Test]
    public void Park_AfterUnpark_Stands()
    {
        var wake = new Wake();
        wake.Unpark(Account);
        wake.Park(_trouble, 1000);

        Assert.That(wake.Drain().Parked[Account].Until, Is.EqualTo(1000));
    }

    [Test]
    public async Task Put_FromManyThreads_LosesNothing()
    {
        const int Writers = 4,
            Each = 5000;
        var wake = new Wake();
        var writing = Task.WhenAll(
            Enumerable
                .Range(0, Writers)
                .Select(w =>
                    Task.Run(() =>
                    {
                        for (var i = 0; i < Each; i++)
                            wake.Done(Ticket((w * Each) + i, A));
                    })
                )
        );

        var seen = new HashSet<long>();
        while (seen.Count < Writers * Each)
        {
            await wake.WaitAsync().WaitAsync(TimeSpan.FromSeconds(30));
            foreach (var ticket in wake.Drain().Done)
                Assert.That(seen.Add(ticket.Id), Is.True);
        }

        await writing;
        Assert.That(wake.Drain().Done, Is.Empty);
    }
}
