namespace MailProxy.Pipeline.Telemetry;

/// <summary>
/// What flowed in the last hour, in steps of ten seconds. It is counted as it happens and kept in memory: nothing runs by itself, and a
/// restart begins anew.
/// </summary>
public sealed class FlowHistory
{
    public const int StepSeconds = 10;
    public const int Steps = 3600 / StepSeconds;

    private const long StepMs = StepSeconds * 1000L;

    private readonly Lock _gate = new();
    private readonly Step[] _steps = new Step[Steps];
    private readonly int[] _latencies = new int[Steps * (LatencyBuckets.Seconds.Length + 1)];

    /// <param name="at">Unix milliseconds, as everywhere here.</param>
    public void Accepted(long at, int messages)
    {
        lock (_gate)
            At(at).Accepted += messages;
    }

    /// <param name="seconds">From acceptance (or send_at) to now.</param>
    public void Sent(long at, double seconds)
    {
        lock (_gate)
        {
            At(at).Sent++;
            _latencies[Latencies(at) + Bucket(seconds)]++;
        }
    }

    public void Deferred(long at)
    {
        lock (_gate)
            At(at).Deferred++;
    }

    public void Failed(long at)
    {
        lock (_gate)
            At(at).Failed++;
    }

    /// <summary>The steps of the last hour, the oldest first; the last one is under way.</summary>
    public IReadOnlyList<FlowStep> Read(long now)
    {
        var shown = new FlowStep[Steps];
        lock (_gate)
        {
            var last = now / StepMs;
            for (var i = 0; i < Steps; i++)
            {
                var number = last - Steps + 1 + i;
                var step = _steps[Place(number)];
                shown[i] = step.Number == number ? Shown(step, number) : new(number * StepMs, 0, 0, 0, 0, null, null);
            }
        }

        return shown;
    }

    private FlowStep Shown(Step step, long number)
    {
        var counts = _latencies.AsSpan(Latencies(number * StepMs), LatencyBuckets.Seconds.Length + 1);
        return new(
            number * StepMs,
            step.Accepted,
            step.Sent,
            step.Deferred,
            step.Failed,
            Quantile(counts, step.Sent, .5),
            Quantile(counts, step.Sent, .99)
        );
    }

    // Within its bucket a time is taken to lie evenly, as Prometheus' histogram_quantile does.
    private static double? Quantile(ReadOnlySpan<int> counts, int total, double share)
    {
        if (total == 0)
            return null;
        var rank = share * total;
        var before = 0;
        for (var i = 0; i < LatencyBuckets.Seconds.Length; i++)
        {
            if (before + counts[i] >= rank)
            {
                var low = i == 0 ? 0 : LatencyBuckets.Seconds[i - 1];
                return low + (LatencyBuckets.Seconds[i] - low) * (rank - before) / Math.Max(1, counts[i]);
            }

            before += counts[i];
        }

        return LatencyBuckets.Seconds[^1];
    }

    private ref Step At(long at)
    {
        var number = at / StepMs;
        ref var step = ref _steps[Place(number)];
        if (step.Number != number)
        {
            step = new() { Number = number };
            _latencies.AsSpan(Latencies(at), LatencyBuckets.Seconds.Length + 1).Clear();
        }

        return ref step;
    }

    private static int Latencies(long at) => Place(at / StepMs) * (LatencyBuckets.Seconds.Length + 1);

    private static int Place(long number) => (int)(((number % Steps) + Steps) % Steps);

    private static int Bucket(double seconds)
    {
        var found = Array.BinarySearch(LatencyBuckets.Seconds, seconds);
        return found >= 0 ? found : ~found;
    }

    private struct Step
    {
        public long Number;
        public int Accepted;
        public int Sent;
        public int Deferred;
        public int Failed;
    }
}

/// <summary>What flowed in ten seconds.</summary>
/// <param name="At">When they began, Unix milliseconds.</param>
/// <param name="Median">Seconds from acceptance (or send_at) to sent; null: none was sent.</param>
/// <param name="Slowest">The same for the slowest of a hundred.</param>
public sealed record FlowStep(long At, int Accepted, int Sent, int Deferred, int Failed, double? Median, double? Slowest);
