namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Writes audit entries, in the transaction of the change.</summary>
internal static class AuditRows
{
    /// <returns>The entry's number.</returns>
    /// <param name="before">JSON without secrets; null when the object did not exist.</param>
    /// <param name="after">JSON without secrets; null when the object was deleted.</param>
    public static long Append(Session session, long at, string actor, string action, string subject, string? before, string? after) =>
        session
            .QueryNumber(
                "INSERT INTO audit (at, actor, action, object, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING number",
                at,
                actor,
                action,
                subject,
                before,
                after
            )!
            .Value;
}
