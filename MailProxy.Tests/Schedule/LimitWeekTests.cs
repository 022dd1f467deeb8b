using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>
/// A week in which mail always waits, with slices of any size, permits that come back, and restarts: never one recipient more than a
/// window allows, and at least 99 % of what it allows.
/// </summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class LimitWeekTests
{
    private const long Week = 7 * 86_400_000L;

    private readonly StepClock _clock = new();
    private readonly CurrentAccounts _accounts = new();
    private readonly LimitSlots _slots = new();
    private readonly Random _random = new(14);

    [TestCase(null, 500, null, 500 * 168.0)]
    [TestCase(14, 500, null, 500 * 168.0)]
    [TestCase(14, 500, 100, 500 * 168.0)]
    [TestCase(14, 500, 1, 500 * 168.0)]
    public void AnHour_AWeekWithRestarts_IsNeverExceededAndUsed(int? perSecond, int perHour, int? burst, double allowed)
    {
        var windows = new List<ExactWindow> { new(3600, perHour) };
        if (perSecond is { } second && burst is null)
            windows.Add(new(1, second));

        var used = Run(new(PerSecond: perSecond, PerHour: perHour, Burst: burst), windows, restarts: 60, inFlight: 300);

        Assert.That(used / allowed, Is.GreaterThan(0.99));
    }

    [Test]
    public void ASecond_AWeekWithRestarts_IsNeverExceededAndUsed()
    {
        var used = Run(new(PerSecond: 14), [new(1, 14)], restarts: 60, inFlight: 0);

        Assert.That(used / (14.0 * Week / 1000), Is.GreaterThan(0.99));
    }

    [Test]
    public void MinuteHourAndDay_AWeekWithRestarts_AreNeverExceededAndUsed()
    {
        var limits = new AccountLimits(PerMinute: 60, PerHour: 2000, PerDay: 40_000);

        var used = Run(limits, [new(60, 60), new(3600, 2000), new(86_400, 40_000)], restarts: 60, inFlight: 300);

        Assert.That(used / (7 * 40_000.0), Is.GreaterThan(0.99));
    }

    // Recipients that went in the week.
    private long Run(AccountLimits limits, List<ExactWindow> windows, int restarts, int inFlight)
    {
        _accounts.Swap(new([Account(A, limits)], null));
        var account = _accounts.Directory.All.Single();
        var (begin, used) = (_clock.Now, 0L);
        long[] stops = [.. Enumerable.Range(0, restarts).Select(_ => begin + _random.NextInt64(Week)).Order(), begin + Week];
        foreach (var stop in stops)
        {
            var gate = new AccountGate(_accounts, AccountLimits.None, _clock);
            gate.Seed(_slots.Read(_clock.Now));
            var wanted = _random.Next(1, 51);
            var under = new PriorityQueue<SendPermit, long>(); // on their way, by when their body goes
            while (_clock.Now < stop)
            {
                while (under.TryPeek(out var first, out var at) && at <= _clock.Now)
                {
                    under.Dequeue();
                    if (_random.Next(20) > 0)
                    {
                        first.Spend();
                        used += first.MaxRecipients;
                        _slots.Count(LimitKey.Of(account.Key), _clock.Now, first.MaxRecipients);
                        if (windows.Find(window => !window.Add(_clock.Now, first.MaxRecipients)) is { } exceeded)
                            Assert.Fail($"More than {exceeded}, {_clock.Now - begin} ms after the begin.");
                    }

                    first.Dispose();
                }

                var answer = gate.Ask(account, wanted);
                if (answer.Permit is { } permit)
                {
                    under.Enqueue(permit, _clock.Now + (inFlight == 0 ? 0 : _random.Next(inFlight)));
                    wanted = wanted == permit.MaxRecipients ? _random.Next(1, 51) : wanted - permit.MaxRecipients;
                    continue;
                }

                var wait = (long)Math.Ceiling(answer.Refusal!.RetryAfter.TotalMilliseconds);
                if (under.TryPeek(out _, out var next))
                    wait = Math.Clamp(next - _clock.Now, 1, wait);
                _clock.Advance(TimeSpan.FromMilliseconds(Math.Clamp(stop - _clock.Now, 1, wait)));
            }
        }

        return used;
    }
}
