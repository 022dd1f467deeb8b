namespace MailProxy.Pipeline.Storage;

/// <summary>
/// Records who changed what. The stores write their own changes in the same transaction; this interface appends other entries, and reads
/// all.
/// </summary>
public interface IAuditLog
{
    /// <summary>The log assigns number and time.</summary>
    Task AppendAsync(string actor, string action, string subject, string? detail);

    /// <summary>Entries after a number, oldest first.</summary>
    Task<IReadOnlyList<AuditEntry>> ReadAsync(long after, int limit);

    /// <summary>Entries before a number, newest first.</summary>
    Task<IReadOnlyList<AuditEntry>> ReadBackAsync(long before, int limit);
}

/// <param name="Number">Increases, with gaps where a write was rolled back.</param>
/// <param name="At">Unix milliseconds.</param>
/// <param name="Before">JSON without secrets; null when the object did not exist.</param>
/// <param name="After">JSON without secrets; null when the object was deleted.</param>
public sealed record AuditEntry(long Number, long At, string Actor, string Action, string Subject, string? Before, string? After);
