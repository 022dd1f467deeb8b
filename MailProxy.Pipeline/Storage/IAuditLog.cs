namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Who changed what. The stores write their own changes in the transactions of these; here is what is no change, and the reading.
/// </summary>
public interface IAuditLog
{
    /// <summary>Number and time are the log's to give.</summary>
    Task AppendAsync(string actor, string action, string subject, string? detail);

    /// <summary>Entries after a number, oldest first.</summary>
    Task<IReadOnlyList<AuditEntry>> ReadAsync(long after, int limit);
}

/// <param name="Number">Rises, with gaps where a write was undone.</param>
/// <param name="At">Unix milliseconds.</param>
/// <param name="Before">JSON without secrets; null: it was not there.</param>
/// <param name="After">JSON without secrets; null: it is gone.</param>
public sealed record AuditEntry(long Number, long At, string Actor, string Action, string Subject, string? Before, string? After);
