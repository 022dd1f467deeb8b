using System.Security.Cryptography;
using System.Text;
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
    private const string BodiesName = "bodies beyond 256 KB";
    private const string NumbersName = "given numbers";
    private const int TellEach = 4096;
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
            new(BodiesName, bodies.Count, null),
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

        target.Begin();
        var copied = Copy(source, target, progress, stop);
        var numbers = source.Numbers();
        target.Set(numbers);
        var (copiedBodies, size) = CopyBodies(source, target, bodies, progress, stop);
        target.End();

        MovedTable[] before = [.. copied, Digest(numbers), copiedBodies];
        MovedTable[] after = [.. ReadBack(side, source.Tables, progress, stop), Digest(side.Numbers()), ReadBackBodies(side, bodies, stop)];
        foreach (var (one, other) in before.Zip(after))
        {
            if (one != other)
            {
                throw new StoreRefusedException(
                    $"'{one.Name}' was not copied as it is: {one.Rows} rows of hash {one.Sha256}, and then {other.Rows} of {other.Sha256}. "
                        + "Nothing was moved."
                );
            }
        }

        stop.ThrowIfCancellationRequested();
        Complete((IMoveSource)source, target);
        return new([.. copied, Digest(numbers)], copiedBodies, size, lost, (source as SqliteSide)?.ReplacedTexts ?? 0, null);
    }

    // The note comes first: whatever happens behind it, never can a daemon start on both.
    private void Complete(IMoveSource source, IMoveTarget target)
    {
        source.NoteMoved(MovedNote.Text(to, clock.GetUtcNow()));
        try
        {
            target.Commit();
        }
        catch (NpgsqlException error) when (error is not PostgresException)
        {
            throw new StoreUnavailableException(
                $"The connection was lost during the commit ({error.Message}), so nobody knows whether the store was moved, and the source "
                    + $"refuses to start. If {to.Name} has rows in mailproxy.messages or mailproxy.tenants of yours, it was: start with it. "
                    + $"If not, remove '{from.File(MovedNote.FileName)}', and move it again.",
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
                    + $"between a data directory and a database. {(to.IsPostgres ? "Use pg_dump and pg_restore." : "Use mailproxy backup and restore.")}"
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
        throw new StoreRefusedException(
            $"{lost.Count} bodies beyond 256 KB are not in {(from.IsPostgres ? $"the database, and not in '{spool}'" : $"'{spool}'")}: "
                + $"{string.Join(", ", lost.Take(MostNamed))}{(lost.Count > MostNamed ? ", …" : "")}. Put the spool directory of the daemon "
                + "there; or, if they are lost for good, so that those messages cannot be sent, say so: --allow-lost-bodies"
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

    private static List<MovedTable> Copy(MoveSide source, IMoveTarget target, Action<MoveProgress> progress, CancellationToken stop)
    {
        var tally = new Tally("rows copied", source, source.Tables, progress, stop);
        var copied = new List<MovedTable>();
        foreach (var table in source.Tables)
        {
            using var digest = new TableDigest();
            using var writer = target.Write(table);
            source.Read(
                table,
                row =>
                {
                    digest.Add(row);
                    writer.Write(row);
                    tally.Add();
                }
            );
            writer.End();
            copied.Add(digest.End(table.Name));
            tally.Tell();
        }

        return copied;
    }

    private static List<MovedTable> ReadBack(
        MoveSide target,
        IReadOnlyList<MoveTable> tables,
        Action<MoveProgress> progress,
        CancellationToken stop
    )
    {
        var tally = new Tally("rows compared", target, tables, progress, stop);
        var read = new List<MovedTable>();
        foreach (var table in tables)
        {
            using var digest = new TableDigest();
            target.Read(
                table,
                row =>
                {
                    digest.Add(row);
                    tally.Add();
                }
            );
            read.Add(digest.End(table.Name));
            tally.Tell();
        }

        return read;
    }

    private static (MovedTable Table, long Size) CopyBodies(
        MoveSide source,
        IMoveTarget target,
        List<string> names,
        Action<MoveProgress> progress,
        CancellationToken stop
    )
    {
        using var digest = new TableDigest();
        long all = 0;
        using var writer = target.WriteBodies();
        for (var i = 0; i < names.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            progress(new(BodiesName, i, names.Count));
            writer.Begin(names[i]);
            all += Tell(source, names[i], digest, writer.Add);
            writer.EndBody();
        }

        writer.End();
        if (names.Count > 0)
            progress(new(BodiesName, names.Count, names.Count));
        return (digest.End(BodiesName), all);
    }

    private static MovedTable ReadBackBodies(MoveSide target, List<string> names, CancellationToken stop)
    {
        using var digest = new TableDigest();
        foreach (var name in names)
        {
            stop.ThrowIfCancellationRequested();
            Tell(target, name, digest, static _ => { });
        }

        return digest.End(BodiesName);
    }

    private static long Tell(MoveSide side, string name, TableDigest digest, Action<byte[]> each)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long size = 0;
        side.ReadBody(
            name,
            part =>
            {
                hash.AppendData(part);
                each(part);
                size += part.Length;
            }
        );
        digest.Add([Cell.Of(Encoding.UTF8.GetBytes(name)), Cell.Of(size), Cell.Of(hash.GetHashAndReset())]);
        return size;
    }

    private static MovedTable Digest(SortedDictionary<string, long> numbers)
    {
        using var digest = new TableDigest();
        foreach (var (table, last) in numbers)
            digest.Add([Cell.Of(Encoding.UTF8.GetBytes(table)), Cell.Of(last)]);
        return digest.End(NumbersName);
    }

    /// <summary>Tells how far it is, now and then.</summary>
    private sealed class Tally(
        string what,
        MoveSide side,
        IReadOnlyList<MoveTable> tables,
        Action<MoveProgress> progress,
        CancellationToken stop
    )
    {
        private readonly long _of = tables.Sum(side.Count);
        private long _done;

        public void Add()
        {
            if (++_done % TellEach == 0)
                Tell();
        }

        public void Tell()
        {
            stop.ThrowIfCancellationRequested();
            progress(new(what, _done, _of));
        }
    }
}
