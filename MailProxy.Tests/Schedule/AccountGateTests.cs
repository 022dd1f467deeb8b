using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

internal sealed class AccountGateTests
{
    private readonly StepClock _clock = new();
    private readonly CurrentAccounts _accounts = new();

    [Test]
    public void Ask_Unlimited_HoldsNoPermits()
    {
        var gate = Gate(AccountLimits.None, Account(A));

        using var permit = gate.Ask(Find(A), 20).Permit!;

        Assert.That(
            (permit.IsAcquired, permit.Counts.Account.Permits, permit.Counts.Installation.Permits, permit.MaxRecipients),
            Is.EqualTo((true, 0, 0, 20))
        );
    }

    [Test]
    public void Ask_AccountRefuses_TakesNothingFromTheInstallation()
    {
        var gate = Gate(new(PerHour: 100), Account(A, new(PerHour: 5)));
        gate.Ask(Find(A), 5).Permit!.Spend();

        var answer = gate.Ask(Find(A), 1);

        Assert.That(
            (answer.Permit, answer.Owner, answer.Refusal!.ToString()),
            Is.EqualTo((default(SendPermit), LimitScope.Account, "used 5 of 5 per hour"))
        );
        Assert.That(Used(gate, LimitKey.Installation), Is.EqualTo(5));
    }

    [Test]
    public void Ask_InstallationRefuses_TakesNothingFromTheAccount()
    {
        var gate = Gate(new(PerHour: 5), Account(A, new(PerHour: 100)), Account(B, new(PerHour: 100)));
        gate.Ask(Find(A), 5).Permit!.Spend();

        var answer = gate.Ask(Find(B), 1);

        Assert.That((answer.Permit, answer.Owner), Is.EqualTo((default(SendPermit), LimitScope.Installation)));
        Assert.That(Used(gate, B), Is.Zero);
    }

    [Test]
    public void Dispose_Unspent_GivesBackInBoth()
    {
        var gate = Gate(new(PerHour: 50), Account(A, new(PerHour: 50)));
        var permit = gate.Ask(Find(A), 7).Permit!;
        Assert.That((Used(gate, A), Used(gate, LimitKey.Installation)), Is.EqualTo((7, 7)));

        permit.Dispose();

        Assert.That((Used(gate, A), Used(gate, LimitKey.Installation)), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Spend_ThenDispose_CountsInBoth()
    {
        var gate = Gate(new(PerHour: 50), Account(A, new(PerHour: 50)));
        var permit = gate.Ask(Find(A), 7).Permit!;
        permit.Spend();
        permit.Dispose();

        Assert.That((Used(gate, A), Used(gate, LimitKey.Installation)), Is.EqualTo((7, 7)));
    }

    [Test]
    public void Ask_MoreThanTheSmallestWindow_IsCutToIt()
    {
        var gate = Gate(AccountLimits.None, Account(A, new(PerMinute: 3, PerHour: 100)));

        var permit = gate.Ask(Find(A), 40).Permit!;

        Assert.That((permit.Counts.Account.Permits, permit.MaxRecipients), Is.EqualTo((3, 3)));
    }

    [Test]
    public void Ask_MoreThanTheInstallationsSmallestWindow_IsCutToIt()
    {
        var gate = Gate(new(PerSecond: 2), Account(A));

        var permit = gate.Ask(Find(A), 40).Permit!;

        Assert.That((permit.Counts.Installation.Permits, permit.MaxRecipients), Is.EqualTo((2, 2)));
    }

    [Test]
    public void Ask_CountingMessages_TakesOnePermitForAnySlice()
    {
        var gate = Gate(new(PerMinute: 9, Count: LimitCount.Messages), Account(A, new(PerMinute: 3, Count: LimitCount.Messages)));

        var permit = gate.Ask(Find(A), 40).Permit!;

        Assert.That((permit.Counts.Account.Permits, permit.Counts.Installation.Permits, permit.MaxRecipients), Is.EqualTo((1, 1, 40)));
    }

    [Test]
    public void Ask_WhenReachedIsFail_SaysSo()
    {
        var gate = Gate(AccountLimits.None, Account(A, new(PerMinute: 1, WhenReached: LimitReached.Fail)));
        gate.Ask(Find(A), 1).Permit!.Spend();

        Assert.That(gate.Ask(Find(A), 1).Fail, Is.True);
    }

    [Test]
    public void Ask_LimitsChangedAtRunTime_HoldAtOnceWithTheCountsKept()
    {
        var gate = Gate(AccountLimits.None, Account(A, new(PerHour: 10)));
        gate.Ask(Find(A), 6).Permit!.Spend();

        _accounts.Swap(new([Account(A, new(PerHour: 6), version: 2)], null));
        Assert.That(gate.Ask(Find(A), 1).Refusal, Is.Not.Null);
        _accounts.Swap(new([Account(A, new(PerHour: 7), version: 3)], null));
        Assert.That(gate.Ask(Find(A), 1).Permit, Is.Not.Null);
    }

    [Test]
    public void Seed_AfterARestart_HoldsAccountAndInstallation()
    {
        var gate = Gate(new(PerHour: 20, Paced: false), Account(A, new(PerHour: 10)), Account(B, new(PerHour: 10)));
        var slot = _clock.GetUtcNow().ToUnixTimeMilliseconds() - 600_000;
        gate.Seed([new(Of(A), 3600, slot, 10), new(LimitKey.Installation, 3600, slot, 15)]);

        var refused = gate.Ask(Find(A), 1);
        Assert.That(refused.Refusal!.RetryAfter, Is.InRange(TimeSpan.FromMinutes(50), TimeSpan.FromMinutes(50.5)));
        gate.Ask(Find(B), 5).Permit!.Spend();
        Assert.That(gate.Ask(Find(B), 1).Owner, Is.EqualTo(LimitScope.Installation));
        _clock.Advance(refused.Refusal.RetryAfter);
        Assert.That(gate.Ask(Find(A), 10).Permit, Is.Not.Null);
    }

    [Test]
    public void Ask_TenantRefuses_TakesNothingFromTheOthersAndStopsAllItsAccountsButNobodyElses()
    {
        var gate = Gate(
            new(PerHour: 100),
            Account(A, new(PerHour: 100)),
            Account(B, new(PerHour: 100)),
            Account(C) with
            {
                Tenant = "other",
            }
        );
        Limit(new(PerHour: 5));
        gate.Ask(Find(A), 5).Permit!.Spend();

        var answer = gate.Ask(Find(B), 1);

        Assert.That(
            (answer.Permit, answer.Owner, answer.Refusal!.ToString()),
            Is.EqualTo((default(SendPermit), LimitScope.Tenant, "used 5 of 5 per hour"))
        );
        Assert.That((Used(gate, LimitKey.Installation), Used(gate, B)), Is.EqualTo((5, 0)));
        Assert.That(gate.Ask(Find(C), 1).Permit, Is.Not.Null);
    }

    [Test]
    public void Ask_AccountRefuses_TakesNothingFromTheTenant()
    {
        var gate = Gate(AccountLimits.None, Account(A, new(PerHour: 1)));
        Limit(new(PerHour: 5));
        gate.Ask(Find(A), 1).Permit!.Spend();
        Assert.That(gate.Ask(Find(A), 1).Owner, Is.EqualTo(LimitScope.Account));
        Assert.That(Used(gate, LimitKey.OfTenant(7)), Is.EqualTo(1));
    }

    [Test]
    public void Ask_TenantLimit_CutsTheSliceAndIsGivenBack()
    {
        var gate = Gate(AccountLimits.None, Account(A));
        Limit(new(PerMinute: 3));
        var permit = gate.Ask(Find(A), 20).Permit!;
        Assert.That(
            (permit.Counts.Tenant, permit.MaxRecipients, gate.SliceSize(Find(A))),
            Is.EqualTo((new PermitCount(LimitKey.OfTenant(7), 3), 3, 3))
        );
        permit.Dispose();
        Assert.That((Used(gate, LimitKey.OfTenant(7)), gate.TakeGivenBack().Contains(LimitKey.OfTenant(7))), Is.EqualTo((0, true)));
    }

    [Test]
    public void Seed_AfterARestart_HoldsTheTenantAndAChangeActsAtOnce()
    {
        var gate = Gate(AccountLimits.None, Account(A));
        Limit(new(PerHour: 10));
        gate.Seed([new(LimitKey.OfTenant(7), 3600, _clock.GetUtcNow().ToUnixTimeMilliseconds() - 600_000, 10)]);
        Assert.That(gate.Ask(Find(A), 1).Owner, Is.EqualTo(LimitScope.Tenant));
        Limit(new(PerHour: 11));
        Assert.That(gate.Ask(Find(A), 1).Permit, Is.Not.Null);
    }

    [Test]
    public void Usage_OfAnAccountWithoutLimits_IsEmpty()
    {
        var gate = Gate(AccountLimits.None, Account(A));

        Assert.That(gate.Usage(Of(A)), Is.Empty);
        Assert.That(gate.Usage(Of(C)), Is.Empty);
    }

    private AccountGate Gate(AccountLimits global, params SmtpAccount[] accounts)
    {
        _accounts.Swap(new(accounts, null));
        return new(_accounts, global, _clock);
    }

    private void Limit(AccountLimits limits) =>
        _accounts.Swap(
            new(
                _accounts.Directory.All,
                null,
                new([
                    new()
                    {
                        Id = "default",
                        Name = "default",
                        Number = 7,
                        Limits = limits,
                    },
                    new()
                    {
                        Id = "other",
                        Name = "other",
                        Number = 8,
                    },
                ])
            )
        );

    private SmtpAccount Find(LaneKey lane) => _accounts.Directory.OfLane(lane)!;

    private static int Used(AccountGate gate, LaneKey lane) => Used(gate, Of(lane));

    private static LimitKey Of(LaneKey lane) => LimitKey.Of(Lanes.AccountOf(lane));

    private static int Used(AccountGate gate, LimitKey key) => (int)gate.Usage(key).Single().Used;
}
