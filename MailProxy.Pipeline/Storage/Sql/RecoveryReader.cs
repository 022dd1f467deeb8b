using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Reads what the start must know. Nothing is written: what has gone out stays in the flight log until it is settled.
/// </summary>
internal static class RecoveryReader
{
    // "state <> 0" only repeats the condition of the partial index, because SQLite does not see that "state = 1" implies it.
    private const string Marked =
        "SELECT message, revision, lane, priority, attempt, due, recipients, marked FROM queue INDEXED BY queue_unready WHERE "
        + "state <> 0 AND state = 1 ORDER BY message";
    private const string Spooled = "SELECT spool FROM bodies INDEXED BY bodies_spool WHERE spool IS NOT NULL";

    /// <param name="flights">The attempts whose last block has gone out.</param>
    /// <param name="lanes">Those with waiting mail.</param>
    /// <returns>What the start must know, and the tickets of those attempts that were settled before the last run ended.</returns>
    public static (Recovery Recovery, List<QueuedMail> Settled) Read(
        Session session,
        TraceRows traces,
        IReadOnlyList<FlightRecord> flights,
        IReadOnlyList<(LaneKey Lane, long Due)> lanes,
        long now
    )
    {
        var inDoubt = InDoubt(session, traces);
        var answered = new List<Outcome.Attempted>();
        var settled = new List<QueuedMail>();
        var uses = LimitUses.Read(session, now);
        foreach (var (phase, mark, verdicts) in flights)
        {
            if (ContentReader.Read(session, mark.Ticket, null, mark.Recipients) is not { } content)
            {
                settled.Add(mark.Ticket);
                continue;
            }

            content = traces.With(session, mark.Ticket, content);

            // A pool's message names the account of the attempt before this one.
            if (mark.Permits.Account.Key is { Scope: LimitScope.Account, Number: var account })
                content = content with { Account = new(account) };

            uses.AddRange(LimitUses.Of(mark, now));
            if (phase == FlightPhase.Answered)
                answered.Add(new(mark.Ticket, content, Named(verdicts, content)) { Mark = mark });
            else
                inDoubt.Add((mark.Ticket, content, mark));
        }

        var recovery = new Recovery(inDoubt, lanes, uses, ChangeWriter.NextExpiry(session)) { Answered = answered };
        return (recovery, settled);
    }

    private static RecipientVerdict[] Named(IReadOnlyList<RecipientVerdict> verdicts, MailContent content)
    {
        var addresses = content.Slice.ToDictionary(static to => to.Ordinal, static to => to.Address);
        return [.. verdicts.Select(verdict => verdict with { Address = addresses.GetValueOrDefault(verdict.Ordinal, "") })];
    }

    public static HashSet<string> SpoolFiles(Session session)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var row = session.Prepare(Spooled);
        while (row.Step())
            names.Add(row.Text(0));
        return names;
    }

    // As a former version marked them.
    private static List<(QueuedMail Ticket, MailContent Content, Mark? Mark)> InDoubt(Session session, TraceRows traces)
    {
        var marked = new List<(QueuedMail Ticket, int Slice)>();
        var row = session.Prepare(Marked);
        while (row.Step())
        {
            marked.Add(
                (new(row.Long(0), row.Int(1), new(row.Int(2)), (Priority)row.Int(3), row.Int(4), row.Long(5), row.Int(6)), row.Int(7))
            );
        }

        return marked.ConvertAll(m =>
            (
                m.Ticket,
                traces.With(
                    session,
                    m.Ticket,
                    ContentReader.Read(session, m.Ticket, QueueRows.Sending, m.Slice)
                        ?? throw new InvalidOperationException($"Message {m.Ticket.Id} is queued but does not exist.")
                ),
                (Mark?)null
            )
        );
    }
}
