using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Appends to the event log. Only on the writer's connection, inside a write. Every event is written here, so that sequences have no gaps
/// and
/// the end of the log is known.
/// </summary>
internal sealed class EventRows(Session session, NumberLine numbers)
{
    private const string Insert =
        "INSERT INTO events (position, tenant, message, sequence, type, at, status, account, attempt, detail) VALUES (?1, ?2, ?3, ?4, ?5, "
        + "?6, ?7, ?8, ?9, ?10)";

    private const string NextSequence = "UPDATE messages SET sequence = sequence + 1 WHERE number = ?1 RETURNING tenant, account, sequence";

    /// <summary>The end of the log as this transaction sees it.</summary>
    public long Last => numbers.LastEvent;

    /// <summary>The tenants whose events this turn has appended.</summary>
    public HashSet<string> Tenants { get; } = new(StringComparer.Ordinal);

    /// <summary>Appends the next event of a message, and raises its sequence.</summary>
    public void Append(long message, NewEvent e, long at)
    {
        var next = session.Prepare(NextSequence).Add(message);
        if (!next.Step())
            throw new InvalidOperationException($"Message {message} does not exist.");
        var (tenant, account, sequence) = (next.Text(0), next.Int(1), next.Int(2));
        next.Reset();
        Append(tenant, message, sequence, e, new AccountKey(account), at);
    }

    /// <summary>Appends an event whose sequence the caller has already written to the message's row.</summary>
    public void Append(string tenant, long message, int sequence, NewEvent e, AccountKey account, long at)
    {
        session
            .Prepare(Insert)
            .Add(++numbers.LastEvent)
            .Add(tenant)
            .Add(message)
            .Add(sequence)
            .Add((long)e.Type)
            .Add(at)
            .Add((long)e.Status)
            .Add(account.Number)
            .Add(e.Attempt)
            .Add(e.Detail)
            .Post();
        Tenants.Add(tenant);
    }

    /// <summary>Appends an event that is not about a message.</summary>
    public void AppendOther(string tenant, EventType type, AccountKey? account, byte[]? detail, long at)
    {
        session
            .Prepare(Insert)
            .Add(++numbers.LastEvent)
            .Add(tenant)
            .Add((long?)null)
            .Add(0)
            .Add((long)type)
            .Add(at)
            .Add(0)
            .Add(account?.Number)
            .Add(0)
            .Add(detail)
            .Post();
        Tenants.Add(tenant);
    }
}
