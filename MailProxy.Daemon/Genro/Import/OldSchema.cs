using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Which version of genro-mail-proxy wrote a database, told by its tables and columns.</summary>
/// <param name="Version">As its operator knows it.</param>
/// <param name="HasTenants">Accounts have tenants.</param>
/// <param name="EndsInRow">Whether a message was sent stands in its row, and not in its events.</param>
/// <param name="EventKey">The column of events that names their message.</param>
/// <param name="MessageKey">The column of messages that their events name.</param>
internal sealed record OldSchema(string Version, bool HasTenants, bool EndsInRow, string EventKey, string MessageKey)
{
    public const string Accounts = "accounts",
        Messages = "messages",
        Events = "message_events",
        Tenants = "tenants";

    /// <summary>Attachments may name a volume, as <c>volume:path</c>.</summary>
    public bool HasVolumes { get; init; }

    /// <summary>TLS that is asked for begins at once on any port.</summary>
    public bool TlsAtOnce { get; init; }

    /// <summary>The tenant of a message stands in its row, and not in its account's.</summary>
    public bool TenantInMessage { get; init; }

    /// <summary>Throws <see cref="ImportRefusedException"/>.</summary>
    public static OldSchema Of(ForeignDatabase old)
    {
        foreach (var (table, column) in new[] { (Accounts, "id"), (Accounts, "host"), (Messages, "id"), (Messages, "payload") })
        {
            if (!old.Has(table, column))
                throw Unknown(old, $"there is no {table}.{column} in it");
        }

        if (old.Version != 0)
            throw Unknown(old, $"its schema has the version {old.Version}, and genro-mail-proxy up to 0.7.7 gives none");
        var hasTenants = old.HasTable(Tenants) && old.Has(Accounts, "tenant_id");
        if (old.Has(Messages, "sent_ts"))
            return new("before 0.6", hasTenants, EndsInRow: true, "message_id", "id") { HasVolumes = true, TlsAtOnce = !hasTenants };
        if (!old.Has(Messages, "smtp_ts") || !hasTenants)
            throw Unknown(old, hasTenants ? "its messages have neither sent_ts nor smtp_ts" : "it has no tenants");
        var hasKey = old.Has(Messages, "pk");
        var schema = hasKey
            ? new OldSchema("0.6.2 to 0.7.7", hasTenants, EndsInRow: false, "message_pk", "pk") { TenantInMessage = true }
            : new OldSchema("0.6.0 or 0.6.1", hasTenants, EndsInRow: false, "message_id", "id");
        if (!old.Has(Events, schema.EventKey) || !old.Has(Events, "event_type"))
            throw Unknown(old, $"there is no {Events}.{schema.EventKey} in it");
        if (hasKey && !old.Has(Messages, "tenant_id"))
            throw Unknown(old, "its messages have no tenant");
        return old.Has(Accounts, "pk") ? schema with { Version = "0.7.0 (generated routes)", HasVolumes = true } : schema;
    }

    private static ImportRefusedException Unknown(ForeignDatabase old, string why) =>
        new(
            $"'{old.Path}' is no database of genro-mail-proxy that this program knows: {why}. It reads those of version 0.1 to 0.7.7; "
                + "with a later one, update MailProxy first."
        );
}
