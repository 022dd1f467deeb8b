using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Report;

/// <summary>Circuits in a store that several nodes share.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SharedCircuitsTests
{
    private readonly CurrentAccounts _accounts = new();
    private readonly MemoryCircuits _kept = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeMilliseconds(Mails.Now));

    [SetUp]
    public void SetUp() => _accounts.Swap(new([Account(A), Account(B), Account(C)], null));

    private static AccountKey Key(LaneKey lane) => Lanes.AccountOf(lane);

    private static AccountTrouble Trouble(LaneKey lane) => new(Key(lane), TroubleKind.Connect, null, null, "refused");

    /// <summary>That of one node.</summary>
    private AccountWatch Watch() =>
        new(
            new(new(), static () => 0.5),
            _accounts,
            new Wake(),
            new MemoryDeliveryLog(),
            _kept,
            new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry()),
            static _ => "customer",
            _clock,
            NullLogger.Instance
        );

    [Test]
    public async Task Saved_StoreCannotWrite_IsTriedAgainByItself()
    {
        await using var watch = Watch();
        _kept.Fault = new InvalidOperationException("full");
        watch.Trouble(Trouble(A));
        Assert.That(watch.IsWritten(Key(A)), Is.False);

        _kept.Fault = null;
        await Eventually.BecomesAsync(
            () =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(watch.IsWritten(Key(A)));
            },
            static written => written
        );
        Assert.That(_kept.Kept.Keys, Is.EqualTo(new[] { Key(A) }));
    }

    [Test]
    public async Task Hear_OfACustomerWhomAnotherNodeFoundRefused_IsLeftAloneHereUntilThatIsOver()
    {
        await using var other = Watch();
        await using var here = Watch();
        other.Trouble(Trouble(A) with { OfProviderTenant = true });
        here.Trouble(Trouble(C)); // its own, of which the other one knows nothing
        await HearAsync();
        Assert.That((here.IsHeld(Key(A)), here.IsHeld(Key(B)), here.IsHeld(Key(C))), Is.EqualTo((false, true, true)));

        other.Succeeded(Key(A), isProbe: true);
        await HearAsync();
        Assert.That((here.IsHeld(Key(B)), here.IsHeld(Key(C))), Is.EqualTo((false, true)));

        async Task HearAsync()
        {
            await Eventually.BecomesAsync(
                () => Task.FromResult(new[] { A, B, C }.All(lane => other.IsWritten(Key(lane)) && here.IsWritten(Key(lane)))),
                static written => written
            );
            here.Hear(static account => account != Key(A), await _kept.AllAsync());
        }
    }
}
