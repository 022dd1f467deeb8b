using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Schedule;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests;

/// <summary>Ten thousand accounts come, are used, and are deleted: nothing of them stays in memory.</summary>
internal sealed class DeletedAccountsTests
{
    private const int Accounts = 10_000;

    private static readonly SmtpAccount[] All =
    [
        .. Enumerable.Range(1, Accounts).Select(number => Tickets.Account(new(number), new(PerHour: 10))),
    ];

    [Test]
    public async Task Lanes_AndTheirCounts_AreGone()
    {
        await using var bench = new ScheduleBench(accounts: All).Start();
        foreach (var account in All)
            bench.Wake.Due(Lanes.Of(account.Key), bench.Clock.Now + 86_400_000);
        bench.Wake.Park(new(All[0].Key, TroubleKind.Connect, null, null, "refused"), bench.Clock.Now + 60_000);
        bench.Offer(Tickets.Ticket(1, new(1)));
        bench.Offer(Tickets.Ticket(2, new(2)));
        var underWay = await bench.NextAsync();
        await bench.RestedAsync();
        Assert.That((bench.Stage.LaneCount, bench.Counts), Is.EqualTo((Accounts, 1)));

        bench.Accounts.Swap(AccountDirectory.Empty);
        await bench.RestedAsync();
        Assert.That((bench.Stage.LaneCount, bench.Counts), Is.EqualTo((1, 0)), "that of the mail under way");
        bench.Sent(underWay);
        bench.Wake.Due(underWay.Ticket.Lane, 0);
        bench.Wake.Unpark(All[0].Key);
        await bench.RestedAsync();

        Assert.That((bench.Stage.LaneCount, bench.Store.Claimed), Is.EqualTo((0, 0)));
    }

    [Test]
    public void CountsOfLimits_AreGone()
    {
        var accounts = new CurrentAccounts();
        accounts.Swap(new(All, null));
        var gate = new AccountGate(accounts, new(PerHour: 1_000_000, Paced: false), TimeProvider.System);
        gate.Seed(All.Select(account => new Pipeline.Storage.LimitUse(LimitKey.Of(account.Key), 3600, 0, 1)));
        foreach (var account in All)
            gate.Ask(account, 1).Permit!.Spend();
        gate.Trim();
        Assert.That(gate.Count, Is.EqualTo(Accounts + 1));

        accounts.Swap(AccountDirectory.Empty);
        gate.Trim();

        Assert.That(gate.Count, Is.EqualTo(1), "the installation's own");
    }

    [Test]
    public async Task Connections_AreGone()
    {
        var accounts = new CurrentAccounts();
        accounts.Swap(new(All, null));
        await using var pool = new SmtpPool(accounts, new(), new(Metrics.NewCustomRegistry()), TimeProvider.System, NullLogger.Instance);
        using var aborted = new CancellationTokenSource();
        await aborted.CancelAsync();
        foreach (var account in All)
        {
            Assert.That(
                async () => await pool.RentAsync(account, aborted.Token, aborted.Token),
                Throws.InstanceOf<OperationCanceledException>()
            );
        }

        Assert.That(pool.Count, Is.EqualTo(Accounts));

        accounts.Swap(AccountDirectory.Empty);

        Assert.That(pool.Count, Is.Zero);
    }

    [Test]
    public void Circuits_AreGone()
    {
        var circuits = new AccountCircuits(new ReportOptions(), static () => 0.5);
        foreach (var account in All)
            circuits.Trouble(new(account.Key, TroubleKind.Connect, null, null, "refused"), false, account.Version, 1000);

        Assert.That(circuits.Forget(static _ => null), Has.Count.EqualTo(Accounts));
        Assert.That(circuits.Count, Is.Zero);
    }

    [Test]
    public void Series_AreGone()
    {
        var metrics = new PipelineMetrics(Metrics.NewCustomRegistry());
        var series = new AccountSeries(metrics);
        series.Change([], All.Select(account => account.Label));
        series.Measure(static _ => true);
        Assert.That(metrics.BackingOff.GetAllLabelValues().Count(), Is.EqualTo(Accounts));

        series.Change(All.Select(account => account.Label), []);

        Assert.That(metrics.BackingOff.GetAllLabelValues(), Is.Empty);
        Assert.That(metrics.Attempts.GetAllLabelValues(), Is.Empty);
        Assert.That(metrics.Closed.GetAllLabelValues(), Is.Empty);
        Assert.That(metrics.Failed.GetAllLabelValues(), Is.Empty);
    }
}
