using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>The tables of links and of the objects that they lead to.</summary>
internal static class LinkRows
{
    // A download that began in time may finish, and an upload has a day.
    private const long Grace = 3_600_000,
        UploadTime = 86_400_000;

    private const string Objects =
        "o.number, o.tenant, o.volume_tenant, o.volume, o.place, o.sha256, o.size, o.key, o.uploaded, o.expires_at, o.tries";

    public static List<FileLink> OfMessage(Session session, long message, int revision, long now) =>
        session.Query(
            """
            SELECT l.ordinal, l.name, o.size, l.url, l.expires_at FROM links l JOIN link_objects o ON o.number = l.object
            WHERE l.message = ?1 AND l.revision = ?2 AND l.expires_at > ?3 ORDER BY l.ordinal
            """,
            row => new FileLink(row.Int(0), row.Text(1), row.Long(2), row.Text(3), row.Long(4)),
            message,
            revision,
            now
        );

    public static StoredLink? Find(Session session, long link) =>
        session.QueryFirst(
            $"SELECT {Objects}, l.number, l.name, l.content_type, l.expires_at FROM links l JOIN link_objects o ON o.number = "
                + "l.object WHERE l.number = ?1",
            row => new StoredLink(row.Long(11), row.Text(12), row.Text(13), row.Long(14), Object(row)),
            link
        );

    public static LinkObject Reserve(Session session, LinkContent content, string key, long expiresAt, long now)
    {
        object?[] place = [content.Tenant, content.VolumeTenant, content.Volume, content.Place, content.Sha256];
        session.Run(
            """
            INSERT INTO link_objects (tenant, volume_tenant, volume, place, sha256, size, key, expires_at, due)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (tenant, volume_tenant, volume, place, sha256) WHERE removing = 0 DO UPDATE SET
                expires_at = max(link_objects.expires_at, ?8),
                due = CASE WHEN link_objects.uploaded = 1 THEN max(link_objects.expires_at, ?8) + ?10 ELSE ?9 END
            """,
            [.. place, content.Size, key, expiresAt, now + UploadTime, Grace]
        );
        return session.QueryFirst(
            $"""
            SELECT {Objects} FROM link_objects o
            WHERE o.tenant = ?1 AND o.volume_tenant = ?2 AND o.volume = ?3 AND o.place = ?4 AND o.sha256 = ?5 AND o.removing = 0
            """,
            Object,
            place
        )!;
    }

    public static int Uploaded(Session session, long number) =>
        session.Run("UPDATE link_objects SET uploaded = 1, due = expires_at + ?2 WHERE number = ?1 AND removing = 0", number, Grace);

    public static FileLink Add(Session session, NewLink link, Func<long, string> url, long now)
    {
        if (OfMessage(session, link.Message, link.Revision, now).Find(l => l.Index == link.Index) is { } there)
            return there;

        var size =
            session.QueryNumber(
                "UPDATE link_objects SET expires_at = max(expires_at, ?2), due = max(expires_at, ?2) + ?3 WHERE "
                    + "number = ?1 AND uploaded = 1 AND removing = 0 RETURNING size",
                link.Object,
                link.ExpiresAt,
                Grace
            ) ?? throw new StoreUnavailableException("The object of a link was swept while it was uploaded.");

        // Deletes an expired link for the same attachment, which the new one replaces.
        session.Run("DELETE FROM links WHERE message = ?1 AND revision = ?2 AND ordinal = ?3", link.Message, link.Revision, link.Index);
        var number = session
            .QueryNumber(
                """
                INSERT INTO links (message, revision, ordinal, object, name, content_type, url, expires_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7) RETURNING number
                """,
                link.Message,
                link.Revision,
                link.Index,
                link.Object,
                link.Name,
                link.ContentType,
                link.ExpiresAt
            )!
            .Value;
        var address = url(number);
        session.Run("UPDATE links SET url = ?1 WHERE number = ?2", address, number);
        return new(link.Index, link.Name, size, address, link.ExpiresAt);
    }

    public static long? NextRemoval(Session session) => session.QueryNumber("SELECT min(due) FROM link_objects");

    public static List<LinkObject> TakeRemovals(Session session, long now, int limit)
    {
        session.Run("DELETE FROM links WHERE number IN (SELECT number FROM links WHERE expires_at < ?1 LIMIT 1000)", now - UploadTime);
        var due = session.Query($"SELECT {Objects} FROM link_objects o WHERE o.due <= ?1 ORDER BY o.due LIMIT ?2", Object, now, limit);
        foreach (var one in due)
            session.Run("UPDATE link_objects SET removing = 1 WHERE number = ?1", one.Number);
        return due;
    }

    public static void Removed(Session session, long number)
    {
        session.Run("DELETE FROM links WHERE object = ?1", number);
        session.Run("DELETE FROM link_objects WHERE number = ?1", number);
    }

    public static void NotRemoved(Session session, long number, long again) =>
        session.Run("UPDATE link_objects SET due = ?2, tries = tries + 1 WHERE number = ?1", number, again);

    /// <summary>Whether links to files in the volume still work.</summary>
    public static bool InVolume(Session session, string tenant, string volume, long now) =>
        session.QueryNumber(
            "SELECT EXISTS (SELECT 1 FROM link_objects WHERE volume_tenant = ?1 AND volume = ?2 AND expires_at > ?3 " + "AND uploaded = 1)",
            tenant,
            volume,
            now
        ) == 1;

    private static LinkObject Object(Statement row) =>
        new(
            row.Long(0),
            new(row.Text(1), row.Text(2), row.Text(3), row.Text(4), row.Blob(5), row.Long(6)),
            row.Text(7),
            row.Int(8) != 0,
            row.Long(9),
            row.Int(10)
        );
}
