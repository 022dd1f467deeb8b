using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>What is kept of messages' attempts: of each message the last ones.</summary>
internal static class AttemptRows
{
    // Of old ones so many are deleted at once.
    private const int Slice = 200;

    private const string Last = "SELECT ordinal, counts, times FROM attempts WHERE message = ?1 ORDER BY ordinal DESC LIMIT 1";
    private const string Put = """
        INSERT INTO attempts (message, ordinal, number, counts, times, account, began_at, ended_at, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (message, ordinal) DO UPDATE SET number = excluded.number, counts = excluded.counts, times = excluded.times,
            account = excluded.account, began_at = excluded.began_at, ended_at = excluded.ended_at, detail = excluded.detail
        """;
    private const string Trim = "DELETE FROM attempts WHERE message = ?1 AND ordinal <= ?2";
    private const string All =
        "SELECT number, counts, times, account, began_at, ended_at, detail FROM attempts WHERE message = ?1 ORDER BY ordinal";
    private const string Eldest = "SELECT ended_at FROM attempts INDEXED BY attempts_age ORDER BY ended_at LIMIT 1 OFFSET ?1";
    private const string Age = """
        DELETE FROM attempts WHERE (message, ordinal) IN
            (SELECT message, ordinal FROM attempts INDEXED BY attempts_age WHERE ended_at <= ?1 ORDER BY ended_at LIMIT ?2)
        """;
    private const string Delete = "DELETE FROM attempts WHERE message = ?1";

    /// <summary>Adds one. On the writer's thread.</summary>
    /// <remarks>Of those that cost no attempt only the last in a row stays: an account that is down for days must not take the place of
    /// what was said before.</remarks>
    public static void Add(Session session, long message, MailAttempt attempt)
    {
        var (ordinal, times) = (1, 1);
        var row = session.Prepare(Last).Add(message);
        if (row.Step())
        {
            var isAgain = !attempt.Counts && row.Int(1) == 0;
            ordinal = row.Int(0) + (isAgain ? 0 : 1);
            times = isAgain ? row.Int(2) + 1 : 1;
        }

        row.Reset();
        session
            .Prepare(Put)
            .Add(message)
            .Add(ordinal)
            .Add(attempt.Number)
            .Add(attempt.Counts)
            .Add(times)
            .Add(attempt.Account.Number)
            .Add(attempt.BeganAt)
            .Add(attempt.EndedAt)
            .Add(JsonSerializer.Serialize(attempt.Detail, StoredJson.Plain.AttemptDetail))
            .Post();
        if (ordinal > attempt.Most)
            session.Prepare(Trim).Add(message).Add(ordinal - attempt.Most).Post();
    }

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<MailAttemptView> Read(Session session, long message) =>
        session.Query(
            All,
            static row => new MailAttemptView(
                row.Int(0),
                row.Int(1) != 0,
                row.Int(2),
                new(row.Int(3)),
                row.Long(4),
                row.Long(5),
                Detail(row.Text(6))
            ),
            message
        );

    /// <summary>When the oldest ended; null: there is none. Whether so many ended before <paramref name="before"/> that a slice does not
    /// take them all.</summary>
    public static (long? At, bool IsSlice) Oldest(Session session, long before) =>
        (session.Prepare(Eldest).Add(0).Scalar(), session.Prepare(Eldest).Add(Slice).Scalar() is { } next && next <= before);

    /// <summary>Deletes a slice of those that ended by then. On the writer's thread.</summary>
    public static void Forget(Session session, long before) => session.Prepare(Age).Add(before).Add(Slice).Run();

    public static void Clear(Session session, long message) => session.Prepare(Delete).Add(message).Post();

    private static AttemptDetail? Detail(string stored)
    {
        try
        {
            return
                JsonSerializer.Deserialize(stored, StoredJson.Plain.AttemptDetail)
                    is { Lines: not null, Server: not null, Outcome: not null } detail
                ? detail
                : null;
        }
        catch (JsonException)
        {
            return null; // shown without what was said
        }
    }
}
