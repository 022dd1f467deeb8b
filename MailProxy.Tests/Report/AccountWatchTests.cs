using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Report;

/// <summary>What is told when an account that backs off changes.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AccountWatchTests
{
    private readonly CurrentAccounts _accounts = new();
    private readonly MemoryDeliveryLog _log = new();
    private readonly Wake _wake = new();

    [Test]
    public async Task Changed_AccountDeleted_IsForgottenInSilence()
    {
        await TroubleThenAsync(AccountDirectory.Empty);

        Assert.That(_log.Events.Select(e => e.Type), Is.EqualTo(new[] { EventType.AccountCircuitOpened }));
        Assert.That(_wake.Drain().Unparked, Is.Empty, "a wake would make its lane again");
    }

    [Test]
    public async Task Changed_AccountChanged_IsUsedAgain()
    {
        await TroubleThenAsync(new([Account(A, version: 2)], null));

        Assert.That(_log.Events.Select(e => e.Type), Is.EqualTo(new[] { EventType.AccountCircuitOpened, EventType.AccountCircuitClosed }));
        Assert.That(_wake.Drain().Unparked, Is.EqualTo(new[] { Lanes.AccountOf(A) }));
    }

    [Test]
    public async Task Trouble_OfAnAccountDeletedMeanwhile_IsToldToNoTenant()
    {
        var backoff = new AccountBackoff(new(), static () => 0.5);
        await using (var watch = new AccountWatch(backoff, _accounts, _wake, _log, TimeProvider.System, NullLogger.Instance))
            watch.Trouble(new(Lanes.AccountOf(A), TroubleKind.Connect, null, null, "refused"));

        Assert.That(_log.Events, Is.Empty);
    }

    private async Task TroubleThenAsync(AccountDirectory changed)
    {
        _accounts.Swap(new([Account(A)], null));
        var backoff = new AccountBackoff(new(), static () => 0.5);
        await using var watch = new AccountWatch(backoff, _accounts, _wake, _log, TimeProvider.System, NullLogger.Instance);
        watch.Trouble(new(Lanes.AccountOf(A), TroubleKind.Connect, null, null, "refused"));
        _wake.Drain();
        _accounts.Swap(changed);
    }
}
