using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>The tables of links and of the objects that they lead to.</summary>
internal static class LinkRows
{
    // A download that began in time may finish, and an upload has a day.
    private const long Grace = 3_600_000,
        UploadTime = 86_400_000;

    private const string Objects =
        "o.number, o.tenant, o.volume_tenant, o.volume, o.place, o.sha256, o.size, o.key, o.uploaded, o.expires_at, o.tries";

    public static List<FileLink> OfMessage(SqliteConnection db, long message, int revision, long now) =>
        db.Query(
            """
            SELECT l.ordinal, l.name, o.size, l.url, l.expires_at FROM links l JOIN link_objects o ON o.number = l.object
            WHERE l.message = @message AND l.revision = @revision AND l.expires_at > @now ORDER BY l.ordinal
            """,
            row => new FileLink(row.GetInt32(0), row.GetString(1), row.GetInt64(2), row.GetString(3), row.GetInt64(4)),
            ("@message", message),
            ("@revision", revision),
            ("@now", now)
        );

    public static StoredLink? Find(SqliteConnection db, long link) =>
        db.QueryFirst(
            $"SELECT {Objects}, l.number, l.name, l.content_type, l.expires_at FROM links l JOIN link_objects o ON o.number = "
                + "l.object WHERE l.number = @link",
            row => new StoredLink(row.GetInt64(11), row.GetString(12), row.GetString(13), row.GetInt64(14), Object(row)),
            ("@link", link)
        );

    public static LinkObject Reserve(SqliteConnection db, LinkContent content, string key, long expiresAt, long now)
    {
        (string, object?)[] place =
        [
            ("@tenant", content.Tenant),
            ("@owner", content.VolumeTenant),
            ("@volume", content.Volume),
            ("@place", content.Place),
            ("@hash", content.Sha256),
        ];
        db.Run(
            """
            INSERT INTO link_objects (tenant, volume_tenant, volume, place, sha256, size, key, expires_at, due)
            VALUES (@tenant, @owner, @volume, @place, @hash, @size, @key, @expires, @upload)
            ON CONFLICT (tenant, volume_tenant, volume, place, sha256) WHERE removing = 0 DO UPDATE SET
                expires_at = max(expires_at, @expires),
                due = CASE WHEN uploaded = 1 THEN max(expires_at, @expires) + @grace ELSE @upload END
            """,
            [.. place, ("@size", content.Size), ("@key", key), ("@expires", expiresAt), ("@upload", now + UploadTime), ("@grace", Grace)]
        );
        return db.QueryFirst(
            $"""
            SELECT {Objects} FROM link_objects o
            WHERE o.tenant = @tenant AND o.volume_tenant = @owner AND o.volume = @volume AND o.place = @place AND o.sha256 = @hash AND
            o.removing = 0
            """,
            Object,
            place
        )!;
    }

    public static int Uploaded(SqliteConnection db, long number) =>
        db.Run(
            "UPDATE link_objects SET uploaded = 1, due = expires_at + @grace WHERE number = @number AND removing = 0",
            ("@number", number),
            ("@grace", Grace)
        );

    public static FileLink Add(SqliteConnection db, NewLink link, Func<long, string> url, long now)
    {
        if (OfMessage(db, link.Message, link.Revision, now).Find(l => l.Index == link.Index) is { } there)
            return there;

        var size =
            db.QueryNumber(
                "UPDATE link_objects SET expires_at = max(expires_at, @expires), due = max(expires_at, @expires) + @grace WHERE "
                    + "number = @object AND uploaded = 1 AND removing = 0 RETURNING size",
                ("@object", link.Object),
                ("@expires", link.ExpiresAt),
                ("@grace", Grace)
            ) ?? throw new StoreUnavailableException("The object of a link was swept while it was uploaded.");

        // Deletes an expired link for the same attachment, which the new one replaces.
        db.Run("DELETE FROM links WHERE message = @message AND revision = @revision AND ordinal = @index", Place(link));
        var number = db.QueryNumber(
            """
            INSERT INTO links (message, revision, ordinal, object, name, content_type, url, expires_at)
            VALUES (@message, @revision, @index, @object, @name, @type, '', @expires) RETURNING number
            """,
            [.. Place(link), ("@object", link.Object), ("@name", link.Name), ("@type", link.ContentType), ("@expires", link.ExpiresAt)]
        )!.Value;
        var address = url(number);
        db.Run("UPDATE links SET url = @url WHERE number = @number", ("@url", address), ("@number", number));
        return new(link.Index, link.Name, size, address, link.ExpiresAt);
    }

    public static long? NextRemoval(SqliteConnection db) => db.QueryNumber("SELECT min(due) FROM link_objects");

    public static List<LinkObject> TakeRemovals(SqliteConnection db, long now, int limit)
    {
        db.Run(
            "DELETE FROM links WHERE number IN (SELECT number FROM links WHERE expires_at < @long_ago LIMIT 1000)",
            ("@long_ago", now - UploadTime)
        );
        var due = db.Query(
            $"SELECT {Objects} FROM link_objects o WHERE o.due <= @now ORDER BY o.due LIMIT @limit",
            Object,
            ("@now", now),
            ("@limit", limit)
        );
        foreach (var one in due)
            db.Run("UPDATE link_objects SET removing = 1 WHERE number = @number", ("@number", one.Number));
        return due;
    }

    public static void Removed(SqliteConnection db, long number)
    {
        db.Run("DELETE FROM links WHERE object = @number", ("@number", number));
        db.Run("DELETE FROM link_objects WHERE number = @number", ("@number", number));
    }

    public static void NotRemoved(SqliteConnection db, long number, long again) =>
        db.Run("UPDATE link_objects SET due = @again, tries = tries + 1 WHERE number = @number", ("@number", number), ("@again", again));

    /// <summary>Whether links to files in the volume still work.</summary>
    public static bool InVolume(SqliteConnection db, string tenant, string volume, long now) =>
        db.QueryNumber(
            "SELECT EXISTS (SELECT 1 FROM link_objects WHERE volume_tenant = @tenant AND volume = @volume AND expires_at > @now "
                + "AND uploaded = 1)",
            ("@tenant", tenant),
            ("@volume", volume),
            ("@now", now)
        ) == 1;

    private static (string, object?)[] Place(NewLink link) =>
        [("@message", link.Message), ("@revision", link.Revision), ("@index", link.Index)];

    private static LinkObject Object(SqliteDataReader row) =>
        new(
            row.GetInt64(0),
            new(row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetFieldValue<byte[]>(5), row.GetInt64(6)),
            row.GetString(7),
            row.GetInt32(8) != 0,
            row.GetInt64(9),
            row.GetInt32(10)
        );
}
