using MailProxy.Pipeline.Storage.Sql;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>A connection to PostgreSQL. What is posted goes out together with the next statement that asks for something.</summary>
internal sealed class PgSession(NpgsqlConnection connection) : Session
{
    // So many go out at once at the latest, so that neither side waits for the other for long.
    private const int MostPosted = 256;

    private const string Numbers = "SELECT last FROM given_numbers WHERE name = ?1";

    private readonly Dictionary<string, PgStatement> _long = new(ReferenceEqualityComparer.Instance);
    private NpgsqlBatch? _posted;

    public NpgsqlConnection Connection { get; private set; } = connection;

    public override Statement PrepareLong(string sql)
    {
        if (_long.TryGetValue(sql, out var known))
            return known.Reset();
        var made = new PgStatement(this, PgSql.OfConstant(sql)) { IsLong = true };
        _long.Add(sql, made);
        return made;
    }

    public override long LastNumber(string table) => Prepare(Numbers).Add(table).Scalar() ?? 0;

    /// <summary>Adds a statement whose result nobody asks for.</summary>
    public void Post(NpgsqlBatchCommand command)
    {
        _posted ??= new(Connection);
        _posted.BatchCommands.Add(command);
        if (_posted.BatchCommands.Count >= MostPosted)
            Flush();
    }

    public override void Flush()
    {
        if (_posted is not { } posted)
            return;
        _posted = null;
        using (posted)
            posted.ExecuteNonQuery();
    }

    /// <summary>Goes on with another connection, instead of one that is lost.</summary>
    public void Use(NpgsqlConnection another)
    {
        Drop();
        Connection.Dispose();
        Connection = another;
    }

    public override void Drop()
    {
        _posted?.Dispose();
        _posted = null;
    }

    protected override Statement Make(string sql, bool isKept) => new PgStatement(this, isKept ? PgSql.OfConstant(sql) : PgSql.Of(sql));

    protected override void Close()
    {
        Drop();
        Connection.Dispose();
    }
}
