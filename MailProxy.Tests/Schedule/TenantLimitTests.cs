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
        await using var bench = Start(new(PerDay: 1), Account(A), Account(B), Account(C) with { Tenant = "other" });
        bench.Offer(Ticket(1, A));
        var first = await bench.NextAsync();
        bench.Offer(Ticket(2, A));
        bench.Offer(Ticket(3, B));
        bench.Offer(Ticket(4, C));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(4), "another tenant's");
        await bench.RestedAsync();
        Assert.That(
            new[] { bench.Stage.Status(A), bench.Stage.Status(B) }.Select(s => (s.State, s.Reason, s.Until is not null)),
            Is.All.EqualTo((LaneState.TenantAtLimit, "the tenant used 1 of 1 per day", true))
        );

        first.Permit.Dispose();
        bench.Wake.Done(first.Ticket);
        Assert.That((await bench.NextAsync()).Permit.Counts.Tenant.Permits, Is.EqualTo(1));
    }

    [Test]
    public async Task TenantLimit_Opens_TheLaneThatWasRefusedFirstGoesFirst()
    {
        await using var bench = Start(new(PerMinute: 3), Account(A), Account(B));
        for (var i = 1; i <= 3; i++)
            bench.Offer(Ticket(i, B));
        await bench.SendAsync(3);
        bench.Offer(Ticket(10, A, recipients: 3));
        await bench.RestedAsync();
        for (var i = 11; i <= 14; i++)
            bench.Offer(Ticket(i, B));
        await bench.RestedAsync();
        Assert.That(bench.TryNext(out _), Is.False);

        bench.Clock.Advance(TimeSpan.FromSeconds(61));
        var next = await bench.NextAsync();
        Assert.That(
            (next.Ticket.Id, next.Permit.Counts.Tenant.Permits),
            Is.EqualTo((10L, 3)),
            "single mails of the other account do not eat its permits one by one"
        );
    }

    [Test]
    public async Task TenantLimit_WhoWasRefusedFirstIsPaused_TheOthersGo()
    {
        await using var bench = Start(new(PerMinute: 1), Account(A), Account(B));
        bench.Offer(Ticket(1, B));
        await bench.SendAsync(1);
        bench.Offer(Ticket(10, A));
        await bench.RestedAsync();
        bench.Offer(Ticket(11, B));
        await bench.RestedAsync();
        bench.Accounts.Swap(new([Account(A, version: 2) with { Paused = true }, Account(B)], null, bench.Accounts.Directory.Tenants));
        await bench.RestedAsync();

        bench.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.That((await bench.NextAsync()).Ticket.Id, Is.EqualTo(11));
    }

    private static ScheduleBench Start(AccountLimits limits, params SmtpAccount[] accounts)
    {
        var bench = new ScheduleBench(accounts: accounts);
        bench.Accounts.Swap(
            new(
                bench.Accounts.Directory.All,
                null,
                new([
                    new()
                    {
                        Id = "default",
                        Name = "default",
                        Number = 7,
                        Limits = limits,
                    },
                ])
            )
        );
        return bench.Start();
    }
}
