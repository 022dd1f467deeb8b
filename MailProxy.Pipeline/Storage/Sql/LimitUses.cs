using System.Runtime.InteropServices;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Counts the permits of attempts as they are settled: collected over a turn and written once, so that a thousand cost a few rows. On the
/// writer's
/// thread.
/// </summary>
internal sealed class LimitUses
{
    // The window of one second is not stored: a start takes it from the slots of the minute.
    private static readonly int[] Windows = [60, 3600, 86400];

    private const int Slots = 120;

    private const string Upsert =
        "INSERT INTO limit_uses (key, \"window\", slot, count) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key, \"window\", slot) DO "
        + "UPDATE SET count = limit_uses.count + excluded.count";

    // A slot counts until its end (window * 1000 / 120 after its start) has left the window.
    private const string Select =
        "SELECT key, \"window\", slot, count FROM limit_uses WHERE slot > ?1 - \"window\" * 1000 - \"window\" * 25 / 3";

    private const string DeleteOld =
        "DELETE FROM limit_uses WHERE (key, \"window\", slot) IN (SELECT key, \"window\", slot FROM limit_uses WHERE slot <= ?1 "
        + "- \"window\" * 1000 - \"window\" * 25 / 3 LIMIT ?2)";

    private readonly Dictionary<(LimitKey Key, int Window, long Slot), int> _tally = [];

    /// <summary>The start of the slot that a time belongs to; slots are 0.5 s, 30 s or 720 s long.</summary>
    public static long Slot(int windowSeconds, long at) => at - at % (windowSeconds * 1000L / Slots);

    public void Count(Mark mark)
    {
        if (mark.Permits == PermitCounts.None)
            return;
        foreach (var use in Of(mark))
            CollectionsMarshal.GetValueRefOrAddDefault(_tally, (use.Key, use.WindowSeconds, use.Slot), out _) += use.Count;
    }

    /// <summary>What a mark counts for in the windows that have not passed.</summary>
    public static IEnumerable<LimitUse> Of(Mark mark, long now) => Of(mark).Where(use => IsIn(use.WindowSeconds, use.Slot, now));

    /// <summary>Called before the commit.</summary>
    public void Write(Session session)
    {
        foreach (var ((key, window, slot), count) in _tally)
            session.Prepare(Upsert).Add(key.Stored).Add(window).Add(slot).Add(count).Post();
        _tally.Clear();
    }

    /// <summary>Called when the turn was rolled back, together with its settlements.</summary>
    public void Forget() => _tally.Clear();

    public static List<LimitUse> Read(Session session, long now)
    {
        var uses = new List<LimitUse>();
        var row = session.Prepare(Select).Add(now);
        while (row.Step())
            uses.Add(new(LimitKey.FromStored(row.Int(0)), row.Int(1), row.Long(2), row.Int(3)));
        return uses;
    }

    /// <summary>Counts under one key what was used at a time, in the windows that have not passed.</summary>
    public static void Add(Session session, LimitKey key, long at, int count, long now)
    {
        foreach (var window in Windows)
        {
            if (IsIn(window, Slot(window, at), now))
                session.Prepare(Upsert).Add(key.Stored).Add(window).Add(Slot(window, at)).Add(count).Post();
        }
    }

    /// <summary>Deletes old rows, and returns how many.</summary>
    public static int Forget(Session session, long now, int limit) => session.Prepare(DeleteOld).Add(now).Add(limit).Run();

    private static bool IsIn(int window, long slot, long now) => slot > now - window * 1000L - window * 25L / 3;

    private static IEnumerable<LimitUse> Of(Mark mark)
    {
        PermitCount[] counts = [mark.Permits.Account, mark.Permits.Tenant, mark.Permits.Installation];
        foreach (var (key, permits) in counts)
        {
            foreach (var window in Windows)
            {
                if (permits > 0)
                    yield return new(key, window, Slot(window, mark.At), permits);
            }
        }
    }
}
