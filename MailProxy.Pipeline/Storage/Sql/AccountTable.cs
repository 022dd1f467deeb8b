using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Unfinished mail keeps its account; the counts of its limits go with it.</summary>
internal sealed class AccountTable : TableRules<SmtpAccount>
{
    public override bool IsInUse(Session session, Resource<SmtpAccount> resource, long now) =>
        session.QueryNumber("SELECT " + QueueRows.LaneHasMail, Lanes.Of(KeyOf(resource)).Number) == 1
        || session
            .Query("SELECT config FROM pools WHERE tenant = ?1", static row => row.Text(0), resource.Tenant)
            .Exists(config => Names(config, resource.Id));

    public override void Deleting(Session session, Resource<SmtpAccount> resource, string actor, long now)
    {
        session.Run("DELETE FROM limit_uses WHERE key = ?1", LimitKey.Of(KeyOf(resource)).Stored);
        session.Run("DELETE FROM refresh_tokens WHERE account = ?1", resource.Number);
        session.Run("DELETE FROM account_circuits WHERE account = ?1", resource.Number);
        session.Run("DELETE FROM secret_warnings WHERE account = ?1", resource.Number);
    }

    // What nobody can read names no account.
    private static bool Names(string pool, string account)
    {
        try
        {
            return JsonNode.Parse(pool) is JsonObject { } config
                && config["accounts"] is JsonArray members
                && members.Any(member =>
                    member is JsonObject one && one["id"] is JsonValue id && id.TryGetValue(out string? name) && name == account
                );
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static AccountKey KeyOf(Resource<SmtpAccount> resource) => new(resource.Number);
}
