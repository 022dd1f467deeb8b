using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Data.Sqlite;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>Puts seeds into a database; returns their numbers.</summary>
internal static class SqliteSeeds
{
    public static async Task<List<long>> SeedAsync(this TemporaryStore store, IEnumerable<SeedMessage> seeds)
    {
        SeedMessage[] all = [.. seeds];
        var numbers = await store.Database.Writer.WriteAsync(db => all.Select(seed => Put(db.Bare(), seed)).ToList());
        foreach (var (seed, number) in all.Zip(numbers))
        {
            if (seed.Begun)
                Begin(store.Database.Claims, new(number, 3, new(seed.Account), seed.Priority, 0, seed.Due, 1));
        }

        return numbers;
    }

    private static void Begin(Claims claims, QueuedMail ticket)
    {
        if (!claims.TryAdd(ticket) || !claims.TryBegin(ticket))
            throw new InvalidOperationException("Somebody has the seed.");
    }

    private static long Put(SqliteConnection db, SeedMessage seed)
    {
        var number = db.QueryNumber(
            """
            INSERT INTO messages (tenant, id, revision, state, account, priority, attempts, envelope_sender, subject, message_id_header,
                                  created_at, send_at, expires_at, on_ambiguous, possible_duplicate, hold_reason, batch, tags, metadata)
            VALUES (@tenant, @id, 3, @state, @account, @priority, @attempts, @sender, @subject, @message_id,
                    @created, @send, 9000, 1, 1, @hold, @batch, @tags, @metadata)
            RETURNING number
            """,
            ("@tenant", seed.Tenant),
            ("@id", seed.Id),
            ("@state", (long)seed.State),
            ("@account", seed.Account),
            ("@priority", (long)seed.Priority),
            ("@attempts", seed.Attempts),
            ("@sender", seed.Sender),
            ("@subject", seed.Subject),
            ("@message_id", seed.MessageId),
            ("@created", seed.CreatedAt),
            ("@send", seed.SendAt),
            ("@hold", seed.HoldReason),
            ("@batch", seed.Batch),
            ("@tags", seed.Tags),
            ("@metadata", seed.Metadata)
        )!.Value;

        if (!seed.State.IsFinal())
        {
            db.Run(
                "INSERT INTO queue (message, lane, priority, due, state, revision, attempt, round, recipients, marked, expires_at, flow)"
                    + " VALUES (@message, @account, @priority, @due, @state, 3, 0, @round, 1, 0, 9000, @flow)",
                ("@message", number),
                ("@account", seed.Account),
                ("@priority", (long)seed.Priority),
                ("@due", seed.Due),
                ("@flow", FlowKey.Of(seed.Batch).Number),
                ("@round", seed.Round),
                ("@state", seed.State == MessageState.Held ? 2 : 0)
            );
        }

        if (seed.Body is not null)
        {
            db.Run(
                "INSERT INTO bodies (message, json, spool, size) VALUES (@message, @json, @spool, 2)",
                ("@message", number),
                ("@spool", seed.SpoolFile),
                ("@json", seed.SpoolFile is null ? Encoding.UTF8.GetBytes(seed.Body) : null)
            );
        }

        for (var i = 0; i < seed.Recipients.Count; i++)
        {
            db.Run(
                "INSERT INTO recipients VALUES (@message, @ordinal, @address, 12, 0, @code, @enhanced, @reply, NULL)",
                ("@message", number),
                ("@ordinal", i),
                ("@address", seed.Recipients[i]),
                ("@code", seed.Code == 0 ? null : (long)seed.Code),
                ("@enhanced", seed.EnhancedCode),
                ("@reply", seed.Reply)
            );
        }

        return number;
    }
}
