using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>What clients and sink saw while nodes were exchanged. From any thread.</summary>
internal sealed class UpgradeTally(int accounts)
{
    private readonly Lock _gate = new();
    private readonly List<Seen>[] _arrivals = [.. Enumerable.Range(0, accounts).Select(static _ => new List<Seen>())];
    private readonly Dictionary<string, TimeSpan>[] _taken =
    [
        .. Enumerable.Range(0, accounts).Select(static _ => new Dictionary<string, TimeSpan>()),
    ];
    private readonly ConcurrentDictionary<string, int> _notTaken = [];
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _longest;
    private int _refused;

    public TimeSpan Now => _watch.Elapsed;

    /// <summary>Times that a post went round all nodes and none took it.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>The longest time from a client's first try to the answer that took its mail.</summary>
    public TimeSpan LongestPost
    {
        get
        {
            lock (_gate)
                return _longest;
        }
    }

    /// <summary>Why single nodes did not take a mail, and how often.</summary>
    public IReadOnlyDictionary<string, int> WhyNot => _notTaken;

    public IReadOnlyList<string> Acknowledged
    {
        get
        {
            lock (_gate)
                return [.. _taken.SelectMany(static each => each.Keys)];
        }
    }

    public void Acknowledge(int account, string id, TimeSpan took)
    {
        lock (_gate)
        {
            _taken[account][id] = Now;
            if (took > _longest)
                _longest = took;
        }
    }

    public void RefusedByAll() => Interlocked.Increment(ref _refused);

    public void NotTaken(string why) => _notTaken.AddOrUpdate(why, 1, static (_, times) => times + 1);

    /// <summary>The sink took a mail.</summary>
    /// <param name="key">The tenant and the id as <see cref="UpgradeClient"/> makes it.</param>
    public void Arrive(string key)
    {
        var id = key[(key.IndexOf('/') + 1)..];
        if (!int.TryParse(id.AsSpan(1, Math.Max(0, id.IndexOf('-') - 1)), CultureInfo.InvariantCulture, out var account))
            return;
        lock (_gate)
            _arrivals[account].Add(new(id, Now));
    }

    /// <summary>
    /// Each time of at least this length in which mail of an account waited that had been acknowledged, and none arrived.
    /// </summary>
    public IReadOnlyList<LanePause> Pauses(TimeSpan atLeast)
    {
        var pauses = new List<LanePause>();
        lock (_gate)
        {
            for (var account = 0; account < accounts; account++)
            {
                // From behind: of what arrives later, since when the first of it has waited.
                var waits = TimeSpan.MaxValue;
                for (var at = _arrivals[account].Count - 1; at > 0; at--)
                {
                    var (id, time) = _arrivals[account][at];
                    waits = _taken[account].TryGetValue(id, out var taken) && taken < waits ? taken : waits;
                    var before = _arrivals[account][at - 1].Time;
                    var since = waits > before ? waits : before;
                    if (time - since >= atLeast)
                        pauses.Add(new(account, since, time - since));
                }
            }
        }

        return pauses;
    }

    /// <summary>When a post was acknowledged next; null: none was.</summary>
    public TimeSpan? AnswerAfter(TimeSpan moment)
    {
        lock (_gate)
            return _taken.SelectMany(static each => each.Values).Where(time => time > moment).Select(static time => (TimeSpan?)time).Min();
    }

    /// <summary>When every lane's mail had arrived again; null: of one of them none has.</summary>
    public TimeSpan? LanesAfter(TimeSpan moment)
    {
        lock (_gate)
        {
            TimeSpan?[] next =
            [
                .. _arrivals.Select(lane =>
                    lane.Where(one => one.Time > moment).Select(static one => (TimeSpan?)one.Time).FirstOrDefault()
                ),
            ];
            return next.Contains(null) ? null : next.Max();
        }
    }

    /// <summary>The longest time between two mails of one account that ends after a moment, and begins within so long after it.</summary>
    public TimeSpan LongestSilence(TimeSpan moment, TimeSpan within)
    {
        var longest = TimeSpan.Zero;
        lock (_gate)
        {
            foreach (var lane in _arrivals)
            {
                for (var at = 1; at < lane.Count; at++)
                {
                    var (from, to) = (lane[at - 1].Time, lane[at].Time);
                    if (to > moment && from < moment + within && to - from > longest)
                        longest = to - from;
                }
            }
        }

        return longest;
    }

    private readonly record struct Seen(string Id, TimeSpan Time);
}

/// <param name="From">When it began, by the tally's clock.</param>
internal readonly record struct LanePause(int Account, TimeSpan From, TimeSpan Length)
{
    public TimeSpan Middle => From + (Length / 2);
}
