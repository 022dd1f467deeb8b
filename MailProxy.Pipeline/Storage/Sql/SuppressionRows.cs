using System.Collections.Concurrent;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Looks up whom mail must not go to. Which tenants have entries is known in memory, so that everybody else's mail pays nothing.
/// </summary>
internal sealed class SuppressionRows
{
    private const string Tenants = "SELECT tenant FROM suppressions WHERE tenant > ?1 ORDER BY tenant LIMIT 1";
    private const string Hit =
        "SELECT reason FROM suppressions WHERE tenant = ?1 AND address = ?2 AND (expires_at IS NULL OR expires_at > ?3)";
    private const string PutSql = """
        INSERT INTO suppressions (tenant, address, reason, source, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (tenant, address) DO UPDATE SET reason = excluded.reason, source = excluded.source, created_at = excluded.created_at,
            expires_at = excluded.expires_at
        """;
    private const string AddSql =
        "INSERT INTO suppressions (tenant, address, reason, source, created_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    private const string IsThere = "SELECT EXISTS (SELECT 1 FROM suppressions WHERE tenant = ?1 AND address = ?2)";

    // Never taken out: one more look-up costs little, and an entry may come back.
    private readonly ConcurrentDictionary<string, bool> _tenants = new(StringComparer.Ordinal);

    public SuppressionRows(Session session)
    {
        for (var last = ""; session.QueryFirst(Tenants, static row => row.Text(0), last) is { } next; last = next)
            _tenants[next] = true;
    }

    /// <summary>Whether the tenant may have entries. From any thread.</summary>
    public bool Has(string tenant) => _tenants.ContainsKey(tenant);

    /// <summary>Another node has put an entry of this tenant.</summary>
    public void Learn(string tenant) => _tenants[tenant] = true;

    /// <summary>Puts an entry, in a write. True: there was none of its target.</summary>
    public bool Put(Session session, Suppression entry)
    {
        _tenants[entry.Tenant] = true;
        var isNew = session.Prepare(IsThere).Add(entry.Tenant).Add(entry.Target).Scalar() == 0;
        session
            .Prepare(PutSql)
            .Add(entry.Tenant)
            .Add(entry.Target)
            .Add(entry.Reason)
            .Add((long)entry.Source)
            .Add(entry.CreatedAt)
            .Add(entry.ExpiresAt)
            .Post();
        return isNew;
    }

    /// <summary>Adds an entry that a server's refusal makes, in a write; one that is there stays as it is.</summary>
    public void Add(Session session, string tenant, string address, string reason, long now)
    {
        _tenants[tenant] = true;
        session
            .Prepare(AddSql)
            .Add(tenant)
            .Add(Suppression.TargetOf(address))
            .Add(reason)
            .Add((long)SuppressionSource.Bounce)
            .Add(now)
            .Post();
    }

    /// <summary>Why mail must not go to an address; null: it may.</summary>
    public static string? Reason(Session session, string tenant, string address, long now) =>
        Entry(session, tenant, Suppression.TargetOf(address), now) ?? Entry(session, tenant, Suppression.DomainOf(address), now);

    /// <summary>Those recipients of an attempt that it must not go to.</summary>
    public static IReadOnlyList<SuppressedRecipient> In(Session session, MailContent content, long now)
    {
        List<SuppressedRecipient>? found = null;
        foreach (var (ordinal, address) in content.Slice)
        {
            if (Reason(session, content.Key.Tenant, address, now) is { } reason)
                (found ??= []).Add(new(ordinal, address, reason));
        }

        return found ?? [];
    }

    private static string? Entry(Session session, string tenant, string target, long now)
    {
        var row = session.Prepare(Hit).Add(tenant).Add(target).Add(now);
        var reason = row.Step() ? row.Text(0) : null;
        row.Reset();
        return reason is null ? null : $"{(target.StartsWith('@') ? "Its domain" : "The address")} is suppressed: {reason}";
    }
}
