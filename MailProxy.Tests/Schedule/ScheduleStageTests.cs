using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

internal sealed class ScheduleStageTests
{
    [Test]
    public async Task Run_Idle_AsksTheStoreNothing()
    {
        await using var bench = new ScheduleBench().Start();
        await bench.RestedAsync();
        for (var minute = 0; minute < 180; minute++)
        {
            bench.Clock.Advance(TimeSpan.FromMinutes(1));
            await bench.RestedAsync();
        }

        Assert.That((bench.Store.Asked, bench.Store.Swept), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Run_Ticket_GoesOnWithAPermit()
    {
        await using var bench = new ScheduleBench(accounts: Account(A, new(PerHour: 100))).Start();
        bench.Offer(Ticket(1, A, recipients: 3));

        var due = await bench.NextAsync();

        Assert.That((due.Ticket.Id, due.Permit.Counts.Account.Permits, due.Permit.MaxRecipients), Is.EqualTo((1L, 3, 3)));
        Assert.That(bench.Store.Asked, Is.Zero);
    }

    [Test]
    public async Task LetGoUntil_AMailEndsBehindTheLoop_GivesItsTicketBackBeforeTheOthersEnd()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        var first = await bench.NextAsync();
        await bench.NextAsync();
        await bench.StopAsync();
        var over = new TaskCompletionSource();
        var letGo = bench.Stage.LetGoUntilAsync(over.Task);
        bench.Sent(first);

        await Eventually.BecomesAsync(() => Task.FromResult(bench.Store.Claimed), static claimed => claimed == 1);
        over.SetResult();
        await letGo;
    }

    [Test]
    public async Task Run_Recovered_ReadsTheLanesThatHaveMail()
    {
        await using var bench = new ScheduleBench();
        bench.Store.Add(Ticket(1, A), Ticket(2, B), Ticket(3, A));
        bench.Start(lanes: [(A, 0), (B, 0)]);

        Assert.That(await bench.SendAsync(3), Is.EquivalentTo(new long[] { 1, 2, 3 }));
        await bench.RestedAsync();
        Assert.That(bench.Store.Asked, Is.EqualTo(2));
    }

    [Test]
    public async Task Run_BacklogLargerThanTheWindow_SendsAllInOrder()
    {
        await using var bench = new ScheduleBench(new() { Window = 40, Page = 16 });
        bench.Store.Add([.. Enumerable.Range(1, 300).Select(i => Ticket(i, A))]);
        bench.Start(lanes: [(A, 0)]);

        Assert.That(await bench.SendAsync(300), Is.EqualTo(Enumerable.Range(1, 300).Select(i => (long)i)));
    }

    [Test]
    public async Task Run_OneLanesBacklog_DoesNotDelayAnother()
    {
        await using var bench = new ScheduleBench(capacity: 1);
        bench.Store.Add([.. Enumerable.Range(1, 5000).Select(i => Ticket(i, A))]);
        bench.Start(lanes: [(A, 0)]);
        await bench.SendAsync(50);

        bench.Offer(Ticket(9999, B));
        await bench.RestedAsync();

        // One was chosen before it came, then it is the other lane's turn.
        Assert.That(await bench.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_LateImmediate_WinsOverAFullWindow()
    {
        await using var bench = new ScheduleBench(new() { Window = 20 }, capacity: 1);
        bench.Store.Add([.. Enumerable.Range(1, 500).Select(i => Ticket(i, A, Priority.Low))]);
        bench.Start(lanes: [(A, 0)]);
        await bench.SendAsync(5);
        await bench.RestedAsync();

        bench.Offer(Ticket(9999, A, Priority.Immediate));
        await bench.RestedAsync();

        Assert.That(await bench.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_LateImmediateOnDisk_WinsOverAFullWindow()
    {
        await using var bench = new ScheduleBench(new() { Window = 20 }, capacity: 1);
        bench.Store.Add([.. Enumerable.Range(1, 500).Select(i => Ticket(i, A, Priority.Low))]);
        bench.Start(lanes: [(A, 0)]);
        await bench.SendAsync(5);
        await bench.RestedAsync();

        bench.Store.Add(Ticket(9999, A, Priority.Immediate));
        bench.Wake.Due(A, 0);
        await bench.RestedAsync();

        Assert.That(await bench.SendAsync(3), Does.Contain(9999L));
    }

    [Test]
    public async Task Run_DisplacedTickets_ComeBackFromTheDisk()
    {
        await using var bench = new ScheduleBench(new() { Window = 16, InFlight = 4 });
        bench.Start();
        for (var id = 1; id <= 40; id++)
            bench.Offer(Ticket(id, A));
        for (var id = 41; id <= 50; id++)
            bench.Offer(Ticket(id, A, Priority.High));

        var sent = await bench.SendAsync(50);

        Assert.That(sent, Is.EquivalentTo(Enumerable.Range(1, 50).Select(i => (long)i)));
        Assert.That(sent.Where(id => id <= 40), Is.Ordered);
    }

    [Test]
    public async Task Run_NoCapacityDownstream_ChoosesOnlyWhenThereIs()
    {
        await using var bench = new ScheduleBench(capacity: 1).Start();
        bench.Offer(Ticket(1, A));
        bench.Offer(Ticket(2, A));
        await bench.RestedAsync();
        bench.Offer(Ticket(3, A, Priority.Immediate));
        await bench.RestedAsync();

        Assert.That(await bench.NextAsync(3), Is.EqualTo(new long[] { 1, 3, 2 }));
    }

    [Test]
    public async Task Due_InTheFuture_IsReadThen()
    {
        await using var bench = new ScheduleBench().Start();
        var due = bench.Clock.Now + 10_000;
        bench.Store.Add(Ticket(1, A, due: due), Ticket(2, A, due: due + 5000));
        bench.Wake.Due(A, due);
        await bench.RestedAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(9));
        await bench.RestedAsync();
        Assert.That(bench.Store.Asked, Is.Zero);

        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
        await bench.RestedAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(2));
        await bench.RestedAsync();
        Assert.That(bench.Store.Asked, Is.EqualTo(2));
    }

    [Test]
    public async Task Due_EarlierThanKnown_IsReadThen()
    {
        await using var bench = new ScheduleBench().Start();
        var due = bench.Clock.Now + 50_000;
        bench.Wake.Due(A, due);
        await bench.RestedAsync();
        bench.Store.Add(Ticket(1, A, due: due - 40_000));
        bench.Wake.Due(A, due - 40_000);
        await bench.RestedAsync();

        bench.Clock.Advance(TimeSpan.FromSeconds(10));

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Due_ClockStepsForward_IsReadWithinAMinute()
    {
        await using var bench = new ScheduleBench().Start();
        var due = bench.Clock.Now + 7_200_000;
        bench.Store.Add(Ticket(1, A, due: due));
        bench.Wake.Due(A, due);
        await bench.RestedAsync();

        bench.Clock.Step(TimeSpan.FromHours(2));
        bench.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Offer_DueInTheFuture_GoesBackToTheDisk()
    {
        await using var bench = new ScheduleBench().Start();
        bench.Offer(Ticket(1, A, due: bench.Clock.Now + 3000));
        await bench.RestedAsync();
        Assert.That(bench.Store.Claimed, Is.Zero);

        bench.Clock.Advance(TimeSpan.FromSeconds(3));

        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(1));
    }

    [Test]
    public async Task Stop_WithTickets_GivesThemAllBack()
    {
        await using var bench = new ScheduleBench(capacity: 2);
        bench.Store.Add([.. Enumerable.Range(1, 100).Select(i => Ticket(i, A))]);
        bench.Start(lanes: [(A, 0)]);
        await bench.NextAsync();
        await bench.RestedAsync();
        Assert.That(bench.Store.Claimed, Is.GreaterThan(3));

        await bench.StopAsync();

        Assert.That(bench.Store.Claimed, Is.InRange(1, 4)); // what is on its way
    }

    [Test]
    public async Task Run_NextClosed_Ends()
    {
        await using var bench = new ScheduleBench().Start();
        await bench.RestedAsync();
        bench.CloseNext();
        bench.Offer(Ticket(1, A));

        await bench.Running.WaitAsync(TimeSpan.FromSeconds(30));

        Assert.That(bench.Store.Claimed, Is.Zero);
    }
}
