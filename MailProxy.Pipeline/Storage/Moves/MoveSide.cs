namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>One side of a move, read by one thread while nobody changes it.</summary>
internal abstract class MoveSide : IDisposable
{
    /// <summary>The tables that belong to a store, by their names.</summary>
    public abstract IReadOnlyList<MoveTable> Tables { get; }

    public abstract long Count(MoveTable table);

    /// <summary>Tells every row, in the order of the primary key. The row is used again for the next.</summary>
    public abstract void Read(MoveTable table, Action<Cell[]> row);

    /// <summary>The highest number that was given of each kind, by the table's name; those of which none was given are left out.</summary>
    public abstract SortedDictionary<string, long> Numbers();

    /// <summary>The names of the bodies beyond 256 KB that rows refer to, ordered by octets.</summary>
    public abstract IReadOnlyList<string> BodyNames();

    /// <summary>Whether the body is there.</summary>
    public abstract bool HasBody(string name);

    /// <summary>Tells a body in parts of <see cref="BodyFiles.PartSize"/>, the last one shorter. An array is used once.</summary>
    public abstract void ReadBody(string name, Action<byte[]> part);

    public abstract void Dispose();
}

/// <summary>The side that is moved away.</summary>
internal interface IMoveSource
{
    /// <summary>The schema that it is of, when that is older than this program's; it was not brought forward.</summary>
    int? Older { get; }

    /// <summary>Makes it refuse every start from now on.</summary>
    void NoteMoved(string text);

    /// <summary>It may be started again, as nothing was moved.</summary>
    void TakeNoteAway();
}

/// <summary>The side that is filled. What was not committed is as if it had never been written.</summary>
internal interface IMoveTarget
{
    /// <summary>Takes away what a new schema has, and what would change rows while they are written.</summary>
    void Begin();

    /// <summary>Writes rows of a table, in the order of its primary key.</summary>
    IRowWriter Write(MoveTable table);

    /// <summary>Numbers that are given from now on are higher than these.</summary>
    void Set(IReadOnlyDictionary<string, long> numbers);

    IBodyWriter WriteBodies();

    /// <summary>Everything is written: puts back what <see cref="Begin"/> took away.</summary>
    void End();

    void Commit();
}

internal interface IRowWriter : IDisposable
{
    void Write(ReadOnlySpan<Cell> row);

    void End();
}

internal interface IBodyWriter : IDisposable
{
    void Begin(string name);

    void Add(byte[] part);

    void EndBody();

    void End();
}
