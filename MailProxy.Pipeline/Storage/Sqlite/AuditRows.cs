using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>Who changed what, written in the transaction of the change.</summary>
internal static class AuditRows
{
    /// <param name="before">JSON without secrets; null: it was not there.</param>
    /// <param name="after">JSON without secrets; null: it is gone.</param>
    public static void Append(SqliteConnection db, long at, string actor, string action, string subject, string? before, string? after) =>
        db.Run(
            "INSERT INTO audit (at, actor, action, object, before, after) VALUES (@at, @actor, @action, @object, @before, @after)",
            ("@at", at),
            ("@actor", actor),
            ("@action", action),
            ("@object", subject),
            ("@before", before),
            ("@after", after)
        );
}
