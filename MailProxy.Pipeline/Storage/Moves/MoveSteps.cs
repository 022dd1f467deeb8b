using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>Copies, reads back, hashes, and tells how far it is.</summary>
internal sealed class MoveSteps(Action<MoveProgress> progress, CancellationToken stop)
{
    public const string BodiesName = "bodies beyond 256 KB";

    private const string NumbersName = "given numbers";
    private const int TellEach = 4096;

    /// <summary>Copies every table. The answer is what was read.</summary>
    public List<MovedTable> Copy(MoveSide source, IMoveTarget target)
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

    /// <summary>The same tables, as the target has them.</summary>
    public List<MovedTable> ReadBack(MoveSide target, IReadOnlyList<MoveTable> tables)
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

    /// <returns>The bodies as a table, and how long they are together.</returns>
    public (MovedTable Table, long Size) CopyBodies(MoveSide source, IMoveTarget target, List<string> names)
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

    public MovedTable ReadBackBodies(MoveSide target, List<string> names)
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

    public static MovedTable Digest(SortedDictionary<string, long> numbers)
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
