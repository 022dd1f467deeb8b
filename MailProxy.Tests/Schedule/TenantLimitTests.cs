using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>One limit over several lanes: who waits, why, and who goes first when it opens.</summary>
internal sealed class TenantLimitTests
{
    [Test]
    public async Task TenantLimit_UsedUp_EveryLaneOfItWaitsWithThatReasonUntilAPermitComesBack()
    {
        await using var room = Start(new(PerDay: 1), Account(A), Account(B), Account(C) with { Tenant = "other" });
        room.Offer(Ticket(1, A));
        var first = await room.NextAsync();
        room.Offer(Ticket(2, A));
        room.Offer(Ticket(3, B));
        room.Offer(Ticket(4, C));
        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(4), "another tenant's");
        await room.RestedAsync();
        Assert.That(new[] { room.Stage.Status(A), room.Stage.Status(B) }.Select(s => (s.State, s.Reason, s.Until is not null)), Is.All.EqualTo((LaneState.TenantAtLimit, "the tenant used 1 of 1 per day", true)));

        first.Permit.Dispose();
        room.Wake.Done(first.Ticket);
        Assert.That((await room.NextAsync()).Permit.TenantPermits, Is.EqualTo(1));
    }

    [Test]
    public async Task TenantLimit_Opens_TheLaneThatWasRefusedFirstGoesFirst()
    {
        await using var room = Start(new(PerMinute: 3), Account(A), Account(B));
        for (var i = 1; i <= 3; i++) room.Offer(Ticket(i, B));
        await room.SendAsync(3);
        room.Offer(Ticket(10, A, recipients: 3));
        await room.RestedAsync();
        for (var i = 11; i <= 14; i++) room.Offer(Ticket(i, B));
        await room.RestedAsync();
        Assert.That(room.TryNext(out _), Is.False);

        room.Clock.Advance(TimeSpan.FromSeconds(61));
        var next = await room.NextAsync();
        Assert.That((next.Ticket.Id, next.Permit.TenantPermits), Is.EqualTo((10L, 3)), "single mails of the other account do not eat its permits one by one");
    }

    [Test]
    public async Task TenantLimit_WhoWasRefusedFirstIsPaused_TheOthersGo()
    {
        await using var room = Start(new(PerMinute: 1), Account(A), Account(B));
        room.Offer(Ticket(1, B));
        await room.SendAsync(1);
        room.Offer(Ticket(10, A));
        await room.RestedAsync();
        room.Offer(Ticket(11, B));
        await room.RestedAsync();
        room.Accounts.Swap(new([Account(A, version: 2) with { Paused = true }, Account(B)], null, room.Accounts.Directory.Tenants));
        await room.RestedAsync();

        room.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.That((await room.NextAsync()).Ticket.Id, Is.EqualTo(11));
    }

    private static ScheduleRoom Start(AccountLimits limits, params SmtpAccount[] accounts)
    {
        var room = new ScheduleRoom(accounts: accounts);
        room.Accounts.Swap(new(room.Accounts.Directory.All, null, new([new() { Id = "default", Name = "default", Number = 7, Limits = limits }])));
        return room.Start();
    }
}
