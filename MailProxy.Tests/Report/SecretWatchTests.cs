using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Report;

/// <summary>The end of a secret is told 30, 7 and 1 days ahead and when it has come, each once, over restarts too.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SecretWatchTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 29, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _clock = new(Start);
    private readonly CurrentAccounts _accounts = new();
    private TemporaryStore _store = null!;
    private SmtpAccount _account = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _store = new();
        var configuration = new SqlConfigurationStore(_store.Database, _store.Box, _clock);
        await configuration.PutAccountAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "main",
                Version = 0,
                Sandbox = true,
            },
            "test"
        );
        _account = (await configuration.AccountsAsync()).Single();
    }

    [TearDown]
    public void Close() => _store.Dispose();

    [Test]
    public async Task Watch_TimeGoesOn_TellsEachStepOnce()
    {
        Expires(40);
        await RunAsync(async () =>
        {
            _clock.Advance(TimeSpan.FromDays(10));
            await EventsAsync(1);
        });
        foreach (var (days, expected) in new[] { (23, 2), (6, 3), (1, 4) })
        {
            // A watch of its own for each: what was told before a restart is not told again.
            _clock.Advance(TimeSpan.FromDays(days));
            await RunAsync(() => EventsAsync(expected));
        }

        var told = (await EventsAsync(4)).Select(static one =>
            Encoding.UTF8.GetString(one.Detail.Span).Split("\"days\":")[1].Split(',')[0]
        );
        Assert.That(told, Is.EqualTo(new[] { "30", "7", "1", "0" }));
        Assert.That(
            (await EventsAsync(4)).Select(static one => one.Type).Distinct(),
            Is.EqualTo(new[] { EventType.AccountSecretExpiring })
        );
    }

    [Test]
    public async Task Watch_ANewSecretIsPut_TellsItsEndAnew()
    {
        await RunAsync(async () =>
        {
            Expires(3);
            await EventsAsync(1);
            Expires(400);
            Expires(20);
            await EventsAsync(2);
        });
        Assert.That(await EventsAsync(2), Has.Count.EqualTo(2));
    }

    [TestCase(31, null, 1)]
    [TestCase(30, 30, 23)]
    [TestCase(8, 30, 1)]
    [TestCase(7, 7, 6)]
    [TestCase(1, 1, 1)]
    [TestCase(0, 0, null)]
    [TestCase(-5, 0, null)]
    public void Steps_OfDaysAhead_AreTheLeastThatHasCome(int days, int? step, int? next)
    {
        var now = Start.ToUnixTimeMilliseconds();
        var end = Start.AddDays(days).ToUnixTimeMilliseconds();
        Assert.That(SecretEnds.StepOf(end, now), Is.EqualTo(step));
        Assert.That(SecretEnds.NextAt(end, now), Is.EqualTo(next is { } more ? Start.AddDays(more).ToUnixTimeMilliseconds() : null));
        Assert.That((SecretEnds.StepOf(null, now), SecretEnds.NextAt(null, now)), Is.EqualTo(((int?)null, (long?)null)));
    }

    private void Expires(int days) =>
        _accounts.Swap(new([_account with { SecretExpiresAt = Start.AddDays(days).ToUnixTimeMilliseconds() }], null));

    private async Task RunAsync(Func<Task> meanwhile)
    {
        using var stop = new CancellationTokenSource();
        var watch = new SecretWatch(_accounts, new SqlSecretWarnings(_store.Database), _clock, NullLogger.Instance);
        var running = watch.RunAsync(stop.Token);
        await meanwhile();
        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>All events, once there are so many.</summary>
    private async Task<IReadOnlyList<MailEvent>> EventsAsync(int count)
    {
        var log = new SqlDeliveryLog(_store.Database, _store.Box, _clock);
        while (true)
        {
            var (events, through) = await log.ReadAsync("default", 0, 100);
            if (events.Count >= count)
                return events;
            await log.WaitBeyondAsync(through, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
        }
    }
}
