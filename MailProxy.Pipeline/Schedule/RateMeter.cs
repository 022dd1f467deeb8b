namespace MailProxy.Pipeline.Schedule;

/// <summary>How fast mail has gone lately: the average of the last seconds in which any went. Times are milliseconds.</summary>
internal sealed class RateMeter
{
    private const int Slots = 10;
    private const long Second = 1000;

    private readonly int[] _counts = new int[Slots];
    private long _last = long.MinValue; // the second of the newest slot

    public void Add(long now)
    {
        var second = now / Second;
        if (second > _last)
        {
            for (var passed = Math.Max(_last + 1, second - Slots + 1); passed <= second; passed++)
                _counts[passed % Slots] = 0;
            _last = second;
        }

        // After the clock was set back it counts in the newest slot.
        _counts[_last % Slots]++;
    }

    /// <summary>Messages a minute, as it was when the last one went; 0: none ever did.</summary>
    public double PerMinute
    {
        get
        {
            if (_last == long.MinValue)
                return 0;
            var (sum, seconds) = (0, 0);
            for (var back = 0; back < Slots && back <= _last; back++)
            {
                var count = _counts[(_last - back) % Slots];
                sum += count;
                if (count > 0)
                    seconds = back + 1;
            }

            return sum * 60.0 / seconds;
        }
    }
}
