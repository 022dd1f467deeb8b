using Npgsql;
using NpgsqlTypes;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>A value of a statement's parameter: a number, or a text or octets (<paramref name="Other"/>); or null.</summary>
internal readonly record struct PgValue(PgKind Kind, long Number, object? Other, bool IsNull)
{
    public int Size =>
        Other switch
        {
            string text => text.Length,
            byte[] octets => octets.Length,
            _ => 0,
        };

    public static PgValue Of(long number) => new(PgKind.Number, number, null, false);

    public static PgValue Of(string text) => new(PgKind.Text, 0, text, false);

    public static PgValue Of(byte[] octets) => new(PgKind.Octets, 0, octets, false);

    public static PgValue Null(PgKind kind) => new(kind, 0, null, true);

    public NpgsqlParameter ToParameter()
    {
        if (IsNull)
            return Kind == PgKind.Any ? new() { Value = DBNull.Value } : new() { Value = DBNull.Value, NpgsqlDbType = TypeOf(Kind) };
        return Kind switch
        {
            PgKind.Number => new NpgsqlParameter<long> { TypedValue = Number, NpgsqlDbType = NpgsqlDbType.Bigint },
            PgKind.Text => new NpgsqlParameter<string> { TypedValue = (string)Other!, NpgsqlDbType = NpgsqlDbType.Text },
            _ => new NpgsqlParameter<byte[]> { TypedValue = (byte[])Other!, NpgsqlDbType = NpgsqlDbType.Bytea },
        };
    }

    /// <summary>The values that several rows have for one parameter.</summary>
    public static NpgsqlParameter ToParameter(IReadOnlyList<PgValue[]> rows, int parameter)
    {
        var kind = rows[0][parameter].Kind;
        var type = NpgsqlDbType.Array | TypeOf(kind);
        switch (kind)
        {
            case PgKind.Number when rows.All(row => !row[parameter].IsNull):
                return new NpgsqlParameter<long[]> { TypedValue = Column(rows, row => row[parameter].Number), NpgsqlDbType = type };
            case PgKind.Number:
                return new NpgsqlParameter<long?[]>
                {
                    TypedValue = Column(rows, row => row[parameter] is { IsNull: false, Number: var number } ? number : (long?)null),
                    NpgsqlDbType = type,
                };
            case PgKind.Text:
                return new NpgsqlParameter<string?[]>
                {
                    TypedValue = Column(rows, row => (string?)row[parameter].Other),
                    NpgsqlDbType = type,
                };
            default:
                return new NpgsqlParameter<byte[]?[]>
                {
                    TypedValue = Column(rows, row => (byte[]?)row[parameter].Other),
                    NpgsqlDbType = type,
                };
        }
    }

    private static T[] Column<T>(IReadOnlyList<PgValue[]> rows, Func<PgValue[], T> value)
    {
        var column = new T[rows.Count];
        for (var i = 0; i < column.Length; i++)
            column[i] = value(rows[i]);
        return column;
    }

    private static NpgsqlDbType TypeOf(PgKind kind) =>
        kind switch
        {
            PgKind.Number => NpgsqlDbType.Bigint,
            PgKind.Text => NpgsqlDbType.Text,
            _ => NpgsqlDbType.Bytea,
        };
}

/// <summary>What a parameter is, also where it is null.</summary>
internal enum PgKind : byte
{
    Any,
    Number,
    Text,
    Octets,
}
