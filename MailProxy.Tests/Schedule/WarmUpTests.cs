using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>A new account begins with so many a day, by UTC days.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class WarmUpTests
{
    private static readonly DateOnly Today = new(2026, 1, 1);

    private readonly StepClock _clock = new(); // noon
    private readonly CurrentAccounts _accounts = new();

    [Test]
    public void EachDay_AllowsItsNumberAndAfterTheListTheOrdinaryLimits()
    {
        var gate = Gate(new(PerDay: 100, Paced: false) { WarmUp = new(Today, [5, 8]) });

        Assert.That(TakeAll(gate), Is.EqualTo(5));
        _clock.Advance(TimeSpan.FromHours(12) - TimeSpan.FromMilliseconds(1));
        Assert.That(TakeAll(gate), Is.Zero, "until midnight");
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.That(TakeAll(gate), Is.EqualTo(8));
        _clock.Advance(TimeSpan.FromHours(24));
        Assert.That(TakeAll(gate), Is.EqualTo(100 - 8), "those of the last 24 hours count against the ordinary limit");
    }

    [Test]
    public void BeforeTheStart_TheFirstNumberHolds()
    {
        var gate = Gate(new(Paced: false) { WarmUp = new(Today.AddDays(7), [5, 100]) });

        Assert.That(TakeAll(gate), Is.EqualTo(5));
    }

    [Test]
    public void Refusal_SaysTheWarmUpAndOpensAtMidnight()
    {
        var gate = Gate(new(PerHour: 1000, Paced: false) { WarmUp = new(Today, [5, 8]) });
        TakeAll(gate);

        var refusal = gate.Ask(Account(), 1).Refusal!;

        Assert.That(refusal.RetryAfter, Is.EqualTo(TimeSpan.FromHours(12)));
        Assert.That(refusal.ToString(), Is.EqualTo("used 5 of 5 today (UTC) in the warm-up"));
        Assert.That(
            gate.Usage(LimitKey.Of(Account().Key))[^1],
            Is.EqualTo(new LimitUsage(86_400, 5, 5, _clock.Now + (12 * 3_600_000), IsWarmUp: true))
        );
    }

    [Test]
    public void ASlice_IsCutToWhatTheDayHasLeft()
    {
        var gate = Gate(new(Paced: false) { WarmUp = new(Today, [5]) });

        Assert.That(gate.Ask(Account(), 50).Permit!.MaxRecipients, Is.EqualTo(5));
    }

    [Test]
    public void ARestart_KeepsWhatWentToday()
    {
        var slots = new LimitSlots();
        slots.Count(LimitKey.Of(Lanes.AccountOf(A)), _clock.Now - (13 * 3_600_000), 100);
        slots.Count(LimitKey.Of(Lanes.AccountOf(A)), _clock.Now - 3_600_000, 3);
        var gate = Gate(new(Paced: false) { WarmUp = new(Today, [5, 8]) });
        gate.Seed(slots.Read(_clock.Now));

        Assert.That(TakeAll(gate), Is.EqualTo(2), "those of yesterday do not count");
    }

    [Test]
    public void ADay_IsSpreadUnlessSaidOtherwise()
    {
        var gate = Gate(new() { WarmUp = new(Today, [2400]) });

        Assert.That(TakeAll(gate), Is.EqualTo(21));
        Assert.That(gate.Ask(Account(), 1).Refusal!.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(36)));
    }

    private AccountGate Gate(AccountLimits limits)
    {
        _accounts.Swap(new([Tickets.Account(A, limits)], null));
        return new(_accounts, AccountLimits.None, _clock);
    }

    private SmtpAccount Account() => _accounts.Directory.OfLane(A)!;

    private int TakeAll(AccountGate gate)
    {
        for (var taken = 0; ; taken++)
        {
            using var permit = gate.Ask(Account(), 1).Permit;
            if (permit is null)
                return taken;
            permit.Spend();
        }
    }
}
