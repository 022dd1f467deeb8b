using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Writes audit entries, in the transaction of the change.</summary>
internal static class AuditRows
{
    /// <returns>The entry's number.</returns>
    /// <param name="before">JSON without secrets; null when the object did not exist.</param>
    /// <param name="after">JSON without secrets; null when the object was deleted.</param>
    public static long Append(SqliteConnection db, long at, string actor, string action, string subject, string? before, string? after) =>
        db.QueryNumber(
            "INSERT INTO audit (at, actor, action, object, before, after) VALUES (@at, @actor, @action, @object, @before, @after) "
                + "RETURNING number",
            ("@at", at),
            ("@actor", actor),
            ("@action", action),
            ("@object", subject),
            ("@before", before),
            ("@after", after)
        )!.Value;
}
