using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;

namespace MailProxy.Tests.Storage;

/// <summary>Puts seeds into a database, whichever it is; returns their numbers.</summary>
internal static class StoreSeeds
{
    public static Task<List<long>> SeedAsync(this TemporaryStore store, IEnumerable<SeedMessage> seeds) => store.Database.SeedAsync(seeds);

    public static async Task<List<long>> SeedAsync(this StoreDatabase database, IEnumerable<SeedMessage> seeds)
    {
        SeedMessage[] all = [.. seeds];
        var numbers = await database.Writer.WriteAsync(session =>
            all.Select(seed => Put(session, ++database.Writer.Numbers.LastMessage, seed)).ToList()
        );
        foreach (var (seed, number) in all.Zip(numbers))
        {
            if (seed.Begun)
                Begin(database.Claims, new(number, 3, new(seed.Account), seed.Priority, 0, seed.Due, 1));
        }

        return numbers;
    }

    private static void Begin(Claims claims, QueuedMail ticket)
    {
        if (!claims.TryAdd(ticket) || !claims.TryBegin(ticket))
            throw new InvalidOperationException("Somebody has the seed.");
    }

    private static long Put(Session session, long number, SeedMessage seed)
    {
        session.Run(
            """
            INSERT INTO messages (number, tenant, id, revision, state, account, priority, attempts, envelope_sender, subject,
                message_id_header, created_at, send_at, expires_at, on_ambiguous, possible_duplicate, hold_reason, batch, tags, metadata)
            VALUES (?1, ?2, ?3, 3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 9000, 1, 1, ?13, ?14, ?15, ?16)
            """,
            number,
            seed.Tenant,
            seed.Id,
            (long)seed.State,
            seed.Account,
            (long)seed.Priority,
            seed.Attempts,
            seed.Sender,
            seed.Subject,
            seed.MessageId,
            seed.CreatedAt,
            seed.SendAt,
            seed.HoldReason,
            seed.Batch,
            seed.Tags,
            seed.Metadata
        );

        if (!seed.State.IsFinal())
        {
            session.Run(
                "INSERT INTO queue (message, lane, priority, due, state, revision, attempt, round, recipients, marked, expires_at, flow)"
                    + " VALUES (?1, ?2, ?3, ?4, ?5, 3, 0, ?6, 1, 0, 9000, ?7)",
                number,
                seed.Account,
                (long)seed.Priority,
                seed.Due,
                seed.State == MessageState.Held ? 2 : 0,
                seed.Round,
                FlowKey.Of(seed.Batch).Number
            );
        }

        if (seed.Body is not null)
        {
            session.Run(
                "INSERT INTO bodies (message, json, spool, size) VALUES (?1, ?2, ?3, 2)",
                number,
                seed.SpoolFile is null ? Encoding.UTF8.GetBytes(seed.Body) : null,
                seed.SpoolFile
            );
        }

        for (var i = 0; i < seed.Recipients.Count; i++)
        {
            session.Run(
                "INSERT INTO recipients (message, ordinal, address, state, rounds, smtp_code, enhanced_code, reply) "
                    + "VALUES (?1, ?2, ?3, 12, 0, ?4, ?5, ?6)",
                number,
                i,
                seed.Recipients[i],
                seed.Code == 0 ? null : (long)seed.Code,
                seed.EnhancedCode,
                seed.Reply
            );
        }

        return number;
    }
}
