using CsCheck;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;

namespace MailProxy.Tests.Schedule;

/// <summary>The limiter beside a naive one that keeps every permit.</summary>
internal sealed class AccountRateLimiterPropertyTests
{
    [Test]
    public void AnySequence_AgreesWithANaiveModel()
    {
        Gen.Select(Gen.Int[0, 9], Gen.Int[1, 4], Gen.Int[0, 90_000])
            .Array[1, 150]
            .Sample(steps =>
            {
                var clock = new StepClock();
                var limits = new AccountLimits(PerSecond: 4, PerMinute: 10, PerHour: 30, Paced: false);
                using var limiter = new AccountRateLimiter(() => limits, clock);
                var model = new NaiveLimiter([(1, 4), (60, 10), (3600, 30)]);
                var held = new List<AccountLease>();
                var time = 0L; // milliseconds that really passed
                foreach (var (what, count, span) in steps)
                {
                    switch (what)
                    {
                        case < 5:
                            var lease = (AccountLease)limiter.AttemptAcquire(count);
                            var reserved = held.Sum(l => l.Permits);
                            // Never more than any stretch of the window's length may hold; never less than one a slot longer would.
                            if (
                                lease.IsAcquired
                                    ? !model.Allows(time, count + reserved, slack: 0)
                                    : model.Allows(time, count + reserved, slack: 1)
                            )
                                return false;
                            if (lease.IsAcquired)
                                held.Add(lease);
                            else if (!OpensThen(lease.Refusal!, model, time, count, reserved))
                                return false;
                            break;
                        case 5 or 6 when held.Count > 0:
                            held[0].Spend();
                            model.Count(time, held[0].Permits);
                            held.RemoveAt(0);
                            break;
                        case 7 when held.Count > 0:
                            held[^1].Dispose();
                            held.RemoveAt(held.Count - 1);
                            break;
                        case 8:
                            clock.Step(TimeSpan.FromSeconds(span - 45_000));
                            break;
                        default:
                            var pass =
                                span % 3 == 0 ? span % 50
                                : span % 3 == 1 ? span % 3000
                                : span;
                            clock.Advance(TimeSpan.FromMilliseconds(pass));
                            time += pass;
                            break;
                    }
                }

                return true;
            });
    }

    // The named time is true: by then an exact window allows it, with what is reserved counted as of now.
    private static bool OpensThen(LimitRefusal refusal, NaiveLimiter model, long time, int count, int reserved)
    {
        var then = model.With(time, reserved);
        var at = time + (long)refusal.RetryAfter.TotalMilliseconds;
        // Nor is it too late: a slot before that it did not.
        return then.Allows(at, count, slack: 0) && !then.Allows(at - (refusal.WindowSeconds * 1000 / 120) - 2, count, slack: 0);
    }

    private sealed class NaiveLimiter((int Seconds, int Limit)[] windows)
    {
        private readonly List<(long At, int Count)> _counted = [];

        public NaiveLimiter With(long at, int count)
        {
            var with = new NaiveLimiter(windows);
            with._counted.AddRange(_counted);
            with.Count(at, count);
            return with;
        }

        public void Count(long at, int count) => _counted.Add((at, count));

        public bool Allows(long now, int count, int slack) =>
            windows.All(w =>
            {
                var length = (w.Seconds * 1000.0 * (120 + slack) / 120) + slack;
                return _counted.Where(c => now - c.At < length).Sum(c => c.Count) + count <= w.Limit;
            });
    }
}
