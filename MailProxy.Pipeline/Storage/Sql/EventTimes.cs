namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Finds a time in the event log, which is in commit order. That is nearly the order of time, except when the clock was
/// set.</summary>
internal static class EventTimes
{
    private const string First = "SELECT position, at FROM events NOT INDEXED WHERE position > ?1 ORDER BY position LIMIT 1";

    /// <summary>
    /// The position before the first event at or after <paramref name="at"/>, and <paramref name="last"/> at most. A binary search, so it
    /// reads
    /// about twenty rows, however long the log is.
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
