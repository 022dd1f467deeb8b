using System.Collections.Concurrent;
using System.Diagnostics;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>When mail of each account arrived. The account is told by the message's id, as <see cref="NodesClient"/> makes it.</summary>
internal sealed class Arrivals
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, List<TimeSpan>> _times = [];
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    public TimeSpan Now => _watch.Elapsed;

    /// <summary>When each message arrived first, by its id.</summary>
    public ConcurrentDictionary<string, TimeSpan> First { get; } = [];

    public void Add(string key)
    {
        First.TryAdd(key[(key.IndexOf('/') + 1)..], Now);
        if (!int.TryParse(key.AsSpan(key.LastIndexOf('-') + 1), out var n))
            return;
        lock (_gate)
        {
            if (!_times.TryGetValue(n % 8, out var times))
                _times[n % 8] = times = [];
            times.Add(Now);
        }
    }

    /// <summary>The longest time around a moment in which no mail of one account arrived; null: none has since.</summary>
    public TimeSpan? PauseAround(TimeSpan moment)
    {
        lock (_gate)
        {
            var longest = TimeSpan.Zero;
            for (var account = 0; account < NodesClient.Accounts; account++)
            {
                if (!_times.TryGetValue(account, out var times))
                    continue;
                var next = times.FindIndex(time => time > moment);
                if (next < 0)
                    return null;
                if (times[next] - moment > longest)
                    longest = times[next] - moment;
            }

            return longest;
        }
    }

    /// <summary>The most mails of the limited account that arrived within any 60 seconds.</summary>
    public int MostInAMinute()
    {
        lock (_gate)
        {
            var (most, first) = (0, 0);
            var times = _times.GetValueOrDefault(6) ?? [];
            for (var last = 0; last < times.Count; last++)
            {
                while (times[last] - times[first] > TimeSpan.FromSeconds(60))
                    first++;
                most = Math.Max(most, last - first + 1);
            }

            return most;
        }
    }
}
