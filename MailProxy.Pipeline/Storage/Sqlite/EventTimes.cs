namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Finds a time in the event log, whose order is that of commits: nearly that of time, but for a clock that was set.</summary>
internal static class EventTimes
{
    private const string First = "SELECT position, at FROM events NOT INDEXED WHERE position > ?1 ORDER BY position LIMIT 1";

    /// <summary>
    /// The position before the first event at or after <paramref name="at"/>, and <paramref name="last"/> at most. Some twenty looks,
    /// however long the log is.
    /// </summary>
    public static long Before(Session session, long at, long last)
    {
        var (low, high) = (0L, last);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            var row = session.Prepare(First).Add(middle);
            var isEarlier = row.Step() && row.Long(0) <= last && row.Long(1) < at;
            var found = isEarlier ? row.Long(0) : 0;
            row.Reset();
            if (isEarlier)
                low = found;
            else
                high = middle;
        }

        return low;
    }
}
