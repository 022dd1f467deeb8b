using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Suppression lists on SQLite.</summary>
public sealed class SqlSuppressionStore(StoreDatabase database, TimeProvider clock) : ISuppressionStore
{
    private const string Columns = "SELECT tenant, address, reason, source, created_at, expires_at FROM suppressions";
    private const string One = Columns + " WHERE tenant = ?1 AND address = ?2";
    private const string All = Columns + " WHERE tenant = ?1 AND address > ?2 ORDER BY address LIMIT ?3";

    private const string OfSource = Columns + " WHERE tenant = ?1 AND address > ?2 AND source = ?4 ORDER BY address LIMIT ?3";

    private const string IsTenant = "SELECT EXISTS (SELECT 1 FROM tenants WHERE id = ?1)";
    private const string Counted = "SELECT count(*) FROM (SELECT 1 FROM suppressions WHERE tenant = ?1 LIMIT ?2) s";

    public Task<bool?> PutAsync(Suppression entry, string actor) =>
        database.Writer.WriteAsync<bool?>(session =>
        {
            if (!HasTenant(session, entry.Tenant))
                return null;
            var before = Find(session, entry.Tenant, entry.Target);
            database.Suppressions.Put(session, entry);
            Audit(session, entry.Tenant, entry.Target, before is null ? "create" : "replace", before, entry, actor);
            return before is null;
        });

    public Task<int?> ImportAsync(IReadOnlyList<Suppression> entries) =>
        database.Writer.WriteAsync<int?>(session =>
            HasTenant(session, entries[0].Tenant) ? entries.Count(entry => database.Suppressions.Put(session, entry)) : null
        );

    public async Task<Unsubscribing> UnsubscribeAsync(UnsubscribeLink link) =>
        await database.Readers.ReadAsync(session => UnsubscribeWriter.Look(session, link)) is var seen and not Unsubscribing.Done
            ? seen
            : await database.Writer.WriteAsync(session =>
                new UnsubscribeWriter(session, database.Suppressions, database.Writer.Events, Now).Write(link)
            );

    public Task<int> CountAsync(string tenant, int most) =>
        database.Readers.ReadAsync(session => (int)(session.QueryNumber(Counted, tenant, most) ?? 0));

    public Task ImportedAsync(string tenant, int added, int replaced, string actor) =>
        database.Writer.WriteAsync(session =>
        {
            var told = new JsonObject { ["added"] = added, ["replaced"] = replaced };
            AuditRows.Append(session, Now, actor, "suppression.import", $"suppression/{tenant}", null, told.ToJsonString());
            return true;
        });

    public Task<bool> DeleteAsync(string tenant, string target, string actor) =>
        database.Writer.WriteAsync(session =>
        {
            if (Find(session, tenant, target) is not { } before)
                return false;
            session.Run("DELETE FROM suppressions WHERE tenant = ?1 AND address = ?2", tenant, target);
            Audit(session, tenant, target, "delete", before, null, actor);
            return true;
        });

    public Task<Suppression?> FindAsync(string tenant, string target) =>
        database.Readers.ReadAsync(session => Find(session, tenant, target));

    public Task<IReadOnlyList<Suppression>> ListAsync(string tenant, SuppressionSource? source, string after, int limit) =>
        database.Readers.ReadAsync<IReadOnlyList<Suppression>>(session =>
            source is { } only
                ? session.Query(OfSource, Row, tenant, after, limit, (long)only)
                : session.Query(All, Row, tenant, after, limit)
        );

    // A tenant that was deleted meanwhile leaves nothing to one that is made later.
    private static bool HasTenant(Session session, string tenant) => session.QueryNumber(IsTenant, tenant) == 1;

    private static Suppression? Find(Session session, string tenant, string target) => session.QueryFirst(One, Row, tenant, target);

    private static Suppression Row(Statement row) =>
        new(row.Text(0), row.Text(1), row.Text(2), (SuppressionSource)row.Int(3), row.Long(4), row.LongOrNull(5));

    private void Audit(
        Session session,
        string tenant,
        string target,
        string action,
        Suppression? before,
        Suppression? after,
        string actor
    ) => AuditRows.Append(session, Now, actor, $"suppression.{action}", $"suppression/{tenant}/{target}", Told(before), Told(after));

    private static string? Told(Suppression? entry) =>
        entry is null
            ? null
            : new JsonObject
            {
                ["reason"] = entry.Reason,
                ["source"] = Suppression.Sources.Of(entry.Source),
                ["expires_at"] = entry.ExpiresAt,
            }.ToJsonString();

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();
}
