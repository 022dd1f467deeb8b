using System.Globalization;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Erasure on SQLite, in small turns of the writer. Each turn has an entry in the audit log, with counts and without the address.
/// </summary>
public sealed class SqlErasure(StoreDatabase database, SpoolFiles spool) : IErasure
{
    // One that runs needs its search; it is erased by whoever asks again after its end.
    private const string EraseSearches = """
        UPDATE operations SET search = ?3
        WHERE state <> 0 AND instr(lower(search), lower(?1)) > 0 AND (tenant = ?2 OR ?2 IS NULL)
        """;

    private readonly CommitLoop _writer = database.Writer;

    public async Task<ErasedSlice> EraseAsync(string? tenant, string address, long after, long now, string actor)
    {
        var found = await database.Readers.SnapshotAsync(session => ErasureWriter.Find(session, tenant, address, after));
        var (slice, files) = await _writer.WriteAsync(session =>
        {
            var writer = new ErasureWriter(
                session,
                new ChangeWriter(_writer.Events, database.Claims),
                database.Claims,
                database.Traces,
                address,
                actor,
                now
            );
            var done = writer.Write(found);
            if (done.Through is null)
                session.Run(EraseSearches, address, tenant, ErasedDetail.Address);
            if (done.Counts.Messages > 0)
            {
                var (messages, cancelled, bodies, events, links) = done.Counts;
                var told = string.Create(
                        CultureInfo.InvariantCulture,
                        $$"""
                        {"messages":{{messages}},"cancelled":{{cancelled}},"bodies":{{bodies}},"events":{{events}},"links":{{links}},
                        "pending":{{done.Pending.Count}}}
                        """
                    )
                    .ReplaceLineEndings("");
                AuditRows.Append(session, now, actor, "recipient.erase", $"tenant/{tenant ?? "*"}", null, told);
            }

            return (done, writer.Spool);
        });

        // The rows that named the files are deleted for good; a file that survives a crash here is swept at the next start.
        foreach (var file in files)
            spool.Delete(file);

        // Older versions of the rows are kept by the database until it has let go of them.
        if (slice.Through is null)
            database.ForgetOld();
        return slice;
    }
}
