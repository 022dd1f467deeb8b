using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Profiles;

/// <summary>How often a rule has matched lately, for an account and what the rule is about. In memory only: after a start it begins anew.
/// Bounded, and what is over is forgotten. From any thread.</summary>
internal sealed class RuleTally(TimeProvider clock)
{
    /// <summary>Accounts, rules and domains or senders that are remembered together.</summary>
    public const int Most = 10_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<Key, Row> _rows = [];

    public int Count
    {
        get
        {
            lock (_gate)
                return _rows.Count;
        }
    }

    /// <summary>Counts a match. Returns how many there were within the time, with this one, and at most <paramref name="most"/>.</summary>
    /// <param name="about">The domain or the sender; null: the account as a whole.</param>
    public int Add(AccountKey account, ReplyRule rule, string? about, int most, TimeSpan within)
    {
        var now = clock.GetTimestamp();
        var key = new Key(account, rule.FullName, about ?? "");
        lock (_gate)
        {
            if (!_rows.TryGetValue(key, out var row))
            {
                if (_rows.Count >= Most)
                    MakeRoom();
                _rows[key] = row = new(new(most), within);
            }

            while (row.Times.TryPeek(out var first) && (row.Times.Count >= most || clock.GetElapsedTime(first, now) >= within))
                row.Times.Dequeue();
            row.Times.Enqueue(now);
            row.Last = now;
            return row.Times.Count;
        }
    }

    /// <summary>Forgets the accounts that are gone.</summary>
    public void Forget(Predicate<AccountKey> isGone)
    {
        lock (_gate)
        {
            foreach (var key in _rows.Keys.Where(key => isGone(key.Account)).ToArray())
                _rows.Remove(key);
        }
    }

    // Those that are over; if there are none, the tenth that has been quiet for longest, so that this is rarely done.
    private void MakeRoom()
    {
        var now = clock.GetTimestamp();
        var over = _rows
            .Where(row => clock.GetElapsedTime(row.Value.Last, now) >= row.Value.Within)
            .Select(static row => row.Key)
            .ToArray();
        foreach (
            var key in over.Length > 0
                ? over
                : _rows.OrderBy(static row => row.Value.Last).Take(Most / 10).Select(static row => row.Key).ToArray()
        )
            _rows.Remove(key);
    }

    private readonly record struct Key(AccountKey Account, string Rule, string About);

    private sealed class Row(Queue<long> times, TimeSpan within)
    {
        public Queue<long> Times { get; } = times;
        public TimeSpan Within { get; } = within;
        public long Last { get; set; }
    }
}
