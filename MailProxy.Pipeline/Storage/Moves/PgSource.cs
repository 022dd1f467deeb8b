using System.Data;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Postgres;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>A stopped store in PostgreSQL that is moved away, as one snapshot.</summary>
internal sealed class PgSource : PgSide, IMoveSource
{
    private readonly NpgsqlTransaction _transaction;
    private readonly BodyFiles _files;

    private PgSource(PgLink link, NpgsqlTransaction transaction, BodyFiles files, int? older)
        : base(link)
    {
        (_transaction, _files, Older) = (transaction, files, older);
    }

    public int? Older { get; }

    /// <summary>Throws <see cref="StoreRefusedException"/> when there is no store, when it is in use, or has attempts under way.</summary>
    /// <param name="files">Where bodies may be that the database has not.</param>
    /// <param name="isTrial">Nothing may be changed: an older schema stays as it is.</param>
    public static PgSource Open(MovePlace place, BodyFiles files, bool isTrial)
    {
        var link = PgLink.Open(place, out var version);
        try
        {
            if (version == 0)
                throw new StoreRefusedException($"{place.Option}: there is no store in the database {place.Name}.");
            if (!isTrial)
                PgMigrator.Run(link.Connection, PgServer.Schema);
            var transaction = link.Begin(place, IsolationLevel.RepeatableRead);
            RefuseMoved(link);
            RefuseUnderWay(link);
            return new(link, transaction, files, isTrial && version < PgMigrator.Latest ? version : null);
        }
        catch
        {
            link.Dispose();
            throw;
        }
    }

    public override bool HasBody(string name) => base.HasBody(name) || _files.Has(name);

    public override void ReadBody(string name, Action<byte[]> part)
    {
        if (base.HasBody(name))
            base.ReadBody(name, part);
        else
            _files.Read(name, part);
    }

    public void NoteMoved(string text)
    {
        using (
            var command = new NpgsqlCommand(
                "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                Link.Connection
            )
        )
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = MovedNote.Setting });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text });
            command.ExecuteNonQuery();
        }

        _transaction.Commit();
    }

    public void TakeNoteAway() => Link.Run($"DELETE FROM settings WHERE name = '{MovedNote.Setting}'");

    public override void Dispose()
    {
        _transaction.Dispose();
        base.Dispose();
    }

    private static void RefuseMoved(PgLink link)
    {
        string? text = null;
        link.Query("SELECT value FROM settings WHERE name = $1", [MovedNote.Setting], row => text = row.GetString(0));
        if (text is not null)
            throw MovedNote.OfDatabase(text);
    }

    private static void RefuseUnderWay(PgLink link)
    {
        var (alive, marks) = (link.Number("SELECT count(*) FROM nodes WHERE dead_at IS NULL"), link.Number("SELECT count(*) FROM marks"));
        if (alive == 0 && marks == 0)
            return;
        throw new StoreRefusedException(
            $"Not every node of this database ended in an orderly way ({alive} did not, and {marks} messages may have been on their way). "
                + "Start one node once and stop it in an orderly way (SIGTERM), and then move the store."
        );
    }
}
