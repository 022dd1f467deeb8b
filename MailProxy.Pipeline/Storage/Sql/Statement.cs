namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// One prepared statement, reused on one connection by one thread at a time. Parameters are added in order (?1, ?2, …).
/// </summary>
internal abstract class Statement : IDisposable
{
    public abstract Statement Add(long value);

    public abstract Statement Add(string? value);

    public abstract Statement AddBlob(ReadOnlySpan<byte> value);

    public abstract Statement AddNull(ColumnKind kind);

    public Statement Add(bool value) => Add(value ? 1L : 0L);

    public Statement Add(long? value) => value is { } number ? Add(number) : AddNull(ColumnKind.Number);

    public Statement Add(byte[]? value) => value is null ? AddNull(ColumnKind.Blob) : AddBlob(value);

    /// <summary>Adds parameters in order: numbers, flags, texts, blobs or null.</summary>
    public Statement AddAll(ReadOnlySpan<object?> values)
    {
        foreach (var value in values)
        {
            _ = value switch
            {
                null => AddNull(ColumnKind.Any),
                long number => Add(number),
                int number => Add((long)number),
                bool flag => Add(flag),
                string text => Add(text),
                byte[] blob => Add(blob),
                _ => throw new ArgumentException(
                    $"A parameter is of the type {value.GetType().Name}, which no column has.",
                    nameof(values)
                ),
            };
        }

        return this;
    }

    /// <summary>Moves to the next row; false when there is none, and the statement is then reset.</summary>
    public abstract bool Step();

    /// <summary>Runs to the end, and returns the number of changed rows.</summary>
    public abstract int Run();

    /// <summary>
    /// Runs to the end, at the latest before the next statement that asks for something: how many rows it changes is of no interest.
    /// </summary>
    public virtual void Post() => Run();

    /// <summary>The same; how many rows it has changed is told, at the latest before the commit.</summary>
    public virtual void Post(Action<int> changed) => changed(Run());

    /// <summary>The first column of the first row; null when there is no row, or when it is NULL.</summary>
    public long? Scalar()
    {
        if (!Step())
            return null;
        var value = LongOrNull(0);
        Reset();
        return value;
    }

    public abstract bool IsNull(int column);

    /// <summary>A number; of a condition 1 or 0.</summary>
    public abstract long Long(int column);

    public virtual int Int(int column) => (int)Long(column);

    public abstract string Text(int column);

    public abstract byte[] Blob(int column);

    /// <summary>A long, a text, a blob, or null; for columns of any type.</summary>
    public abstract object? Value(int column);

    public long? LongOrNull(int column) => IsNull(column) ? null : Long(column);

    public int? IntOrNull(int column) => IsNull(column) ? null : Int(column);

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public byte[]? BlobOrNull(int column) => IsNull(column) ? null : Blob(column);

    /// <summary>Ends a read before its last row, so that it holds no snapshot.</summary>
    public abstract Statement Reset();

    public abstract void Dispose();
}

/// <summary>What a parameter that is NULL would be.</summary>
internal enum ColumnKind : byte
{
    Any,
    Number,
    Text,
    Blob,
}
