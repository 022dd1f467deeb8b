using MailProxy.Pipeline.Disk;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>
/// Moves a stopped store from SQLite to PostgreSQL, or back: every row under the same numbers, and the bodies beyond 256 KB. The target is
/// compared with the source before it counts, and the source refuses every start afterwards.
/// </summary>
/// <param name="allowLostBodies">Whether bodies that are nowhere to be found are left out, instead of refused.</param>
public sealed class StoreMove(MovePlace from, MovePlace to, bool allowLostBodies, TimeProvider clock)
{
    private const int MostNamed = 3;

    /// <summary>Checks and counts. Nothing is written on either side.</summary>
    public MoveResult Try()
    {
        RefuseSameKind();
        using var source = OpenSource(isTrial: true);
        if (to.IsPostgres)
            PgTarget.Check(to);
        else
            SqliteTarget.Check(to);
        var (bodies, lost) = Bodies(source);
        return new(
            [.. source.Tables.Select(table => new MovedTable(table.Name, source.Count(table), null))],
            new(MoveSteps.BodiesName, bodies.Count, null),
            0,
            lost,
            0,
            ((IMoveSource)source).Older
        );
    }

    /// <summary>
    /// Moves. Throws <see cref="StoreRefusedException"/>, <see cref="StoreUnavailableException"/>, <see cref="IOException"/>, <see
    /// cref="NpgsqlException"/> or <see cref="OperationCanceledException"/>; then the target is empty as before, and the source may be
    /// started, unless the message says otherwise.
    /// </summary>
    public MoveResult Run(Action<MoveProgress> progress, CancellationToken stop)
    {
        RefuseSameKind();
        using var source = OpenSource(isTrial: false);
        using var side = OpenTarget();
        var target = (IMoveTarget)side;
        Compare(source.Tables, side.Tables);
        var (bodies, lost) = Bodies(source);

        var steps = new MoveSteps(progress, stop);
        target.Begin();
        var copied = steps.Copy(source, target);
        copied.Add(MoveSteps.Digest(source.Numbers()));
        target.Set(source.Numbers());
        var (copiedBodies, size) = steps.CopyBodies(source, target, bodies);
        target.End();

        var there = steps.ReadBack(side, source.Tables);
        there.Add(MoveSteps.Digest(side.Numbers()));
        Compare([.. copied, copiedBodies], [.. there, steps.ReadBackBodies(side, bodies)]);
        stop.ThrowIfCancellationRequested();
        Complete((IMoveSource)source, target);
        return new(copied, copiedBodies, size, lost, (source as SqliteSide)?.ReplacedTexts ?? 0, null);
    }

    private static void Compare(IReadOnlyList<MovedTable> here, IReadOnlyList<MovedTable> there)
    {
        foreach (var (one, other) in here.Zip(there))
        {
            if (one != other)
            {
                throw new StoreRefusedException(
                    $"'{one.Name}' was not copied as it is: {one.Rows} rows of hash {one.Sha256}, and then {other.Rows} of {other.Sha256}. "
                        + "Nothing was moved."
                );
            }
        }
    }

    // The note comes first: whatever happens behind it, never can a daemon start on both.
    private void Complete(IMoveSource source, IMoveTarget target)
    {
        source.NoteMoved(MovedNote.Text(to, clock.GetUtcNow()));
        try
        {
            target.Commit();
        }
        catch (NpgsqlException error) when (error is not PostgresException { InvariantSeverity: "ERROR" })
        {
            throw new StoreUnavailableException(
                $"The connection was lost during the commit ({error.Message}), so nobody knows whether the store was moved, and the source "
                    + $"refuses to start. If {to.Name} has your rows in mailproxy.tenants, it was: start with it. If not, remove "
                    + $"'{from.File(MovedNote.FileName)}', and move it again.",
                error
            );
        }
        catch
        {
            source.TakeNoteAway();
            throw;
        }
    }

    private void RefuseSameKind()
    {
        if (from.IsPostgres == to.IsPostgres)
        {
            throw new StoreRefusedException(
                $"{from.Option} and {to.Option} are both {(to.IsPostgres ? "PostgreSQL databases" : "data directories")}: a store is moved "
                    + "between a data directory and a database. Use "
                    + (to.IsPostgres ? "pg_dump and pg_restore." : "mailproxy backup and restore.")
            );
        }
    }

    private MoveSide OpenSource(bool isTrial) =>
        from.IsPostgres ? PgSource.Open(from, new(to.Name), isTrial) : SqliteSource.Open(from, isTrial);

    private MoveSide OpenTarget() => to.IsPostgres ? PgTarget.Open(to, clock) : SqliteTarget.Open(to);

    private (List<string> Found, List<string> Lost) Bodies(MoveSide source)
    {
        var (found, lost) = (new List<string>(), new List<string>());
        foreach (var name in source.BodyNames())
            (source.HasBody(name) ? found : lost).Add(name);
        if (lost.Count == 0 || allowLostBodies)
            return (found, lost);
        var spool = Path.Combine(from.IsPostgres ? to.Name : from.Name, "spool");
        var where = from.IsPostgres ? $"the database, and not in '{spool}'" : $"'{spool}'";
        throw new StoreRefusedException(
            $"{lost.Count} bodies beyond 256 KB are not in {where}: {string.Join(", ", lost.Take(MostNamed))}"
                + $"{(lost.Count > MostNamed ? ", …" : "")}. Put the spool directory of the daemon there; or, if they are lost "
                + "for good, so that those messages cannot be sent, say so: --allow-lost-bodies"
        );
    }

    private static void Compare(IReadOnlyList<MoveTable> here, IReadOnlyList<MoveTable> there)
    {
        var others = there.ToDictionary(static table => table.Name);
        foreach (var table in here)
        {
            var isKnown =
                others.Remove(table.Name, out var other)
                && other.Key.SequenceEqual(table.Key)
                && other.Columns.ToHashSet().SetEquals(table.Columns);
            if (!isKnown)
                throw Different(table.Name);
        }

        if (others.Count > 0)
            throw Different(others.Keys.First());
    }

    private static StoreRefusedException Different(string table) =>
        new($"The table '{table}' is not the same on both sides: one of them is another program's, or was changed by hand.");
}
