using System.Text.Json.Nodes;

namespace MailProxy.Tests.Genro;

/// <summary>
/// Who may call the routes of each version: P everybody, K any valid token, T that tenant's key or the operator's, A the operator's.
/// </summary>
internal static class AccessTables
{
    /// <summary>Routes that end what the others are tried with.</summary>
    public static readonly string[] Ends =
    [
        "DELETE /tenant/{id}",
        "POST /tenant/{id}/api-key",
        "DELETE /tenant/{id}/api-key",
        "POST /tenants/delete",
        "POST /tenants/create_api_key",
        "POST /tenants/revoke_api_key",
    ];

    // Of versions A and B. In A alone nobody names a tenant, so that every token is about its own.
    private static readonly Dictionary<string, char> Common = new()
    {
        ["GET /status"] = 'K',
        ["POST /commands/run-now"] = 'K',
        ["POST /commands/suspend"] = 'T',
        ["POST /commands/activate"] = 'T',
        ["POST /commands/add-messages"] = 'T',
        ["POST /commands/delete-messages"] = 'T',
        ["POST /commands/cleanup-messages"] = 'T',
        ["GET /messages"] = 'T',
        ["POST /account"] = 'T',
        ["GET /accounts"] = 'T',
        ["DELETE /account/{account}"] = 'T',
    };

    private static readonly Dictionary<string, char> A = new()
    {
        ["POST /volume"] = 'K',
        ["GET /volumes"] = 'K',
        ["GET /volume/{name}"] = 'K',
        ["DELETE /volume/{name}"] = 'K',
    };

    private static readonly Dictionary<string, char> B = new()
    {
        ["POST /tenant"] = 'A',
        ["GET /tenants"] = 'A',
        ["GET /tenants/sync-status"] = 'A',
        ["GET /tenant/{id}"] = 'T',
        ["PUT /tenant/{id}"] = 'T',
        ["DELETE /tenant/{id}"] = 'A',
        ["POST /tenant/{id}/api-key"] = 'A',
        ["DELETE /tenant/{id}/api-key"] = 'A',
        ["GET /instance"] = 'A',
        ["PUT /instance"] = 'A',
        ["POST /instance/reload-bounce"] = 'A',
        ["GET /command-log"] = 'A',
        ["GET /command-log/export"] = 'A',
    };

    // Where a tenant may be named and need not be, the test names one.
    private static readonly Dictionary<string, char> C = new()
    {
        ["POST /tenants/add"] = 'A',
        ["POST /tenants/update"] = 'T',
        ["POST /tenants/delete"] = 'A',
        ["POST /tenants/suspend_batch"] = 'T',
        ["POST /tenants/activate_batch"] = 'T',
        ["POST /tenants/create_api_key"] = 'A',
        ["POST /tenants/revoke_api_key"] = 'A',
        ["GET /tenants/list"] = 'K',
        ["GET /tenants/get"] = 'T',
        ["GET /tenants/get_suspended_batches"] = 'T',
        ["POST /accounts/add"] = 'T',
        ["POST /accounts/delete"] = 'T',
        ["GET /accounts/list"] = 'T',
        ["GET /accounts/get"] = 'T',
        ["POST /messages/add"] = 'T',
        ["POST /messages/add_batch"] = 'T',
        ["POST /messages/delete"] = 'K',
        ["POST /messages/delete_batch"] = 'T',
        ["GET /messages/get"] = 'T',
        ["GET /messages/list"] = 'T',
        ["GET /messages/count_active"] = 'K',
        ["GET /messages/count_pending_for_tenant"] = 'T',
        ["GET /messages/cleanup"] = 'T',
        ["POST /storages/add"] = 'T',
        ["POST /storages/delete"] = 'T',
        ["GET /storages/get"] = 'T',
        ["GET /storages/list"] = 'T',
        ["GET /instance/health"] = 'K',
        ["GET /instance/status"] = 'K',
        ["GET /instance/get"] = 'K',
        ["GET /instance/get_sync_status"] = 'K',
        ["POST /instance/run_now"] = 'T',
        ["POST /instance/suspend"] = 'T',
        ["POST /instance/activate"] = 'T',
        ["POST /instance/update"] = 'A',
        ["GET /command_log/list"] = 'T',
        ["GET /command_log/get"] = 'K',
        ["GET /command_log/export"] = 'T',
        ["POST /command_log/purge"] = 'A',
    };

    public static IReadOnlyDictionary<string, char> Of(string versions)
    {
        var table = new Dictionary<string, char> { ["GET /health"] = 'P' };
        if (versions != "C")
        {
            foreach (var (route, who) in Common)
                table[route] = versions == "A" ? 'K' : who;
        }

        foreach (var (version, more) in new[] { ("A", A), ("B", B), ("C", C) })
        {
            foreach (var (route, who) in versions.Contains(version, StringComparison.Ordinal) ? more : [])
                table[route] = who;
        }

        return table;
    }

    public static string Query(string path, string tenant) =>
        path.StartsWith("/tenant/", StringComparison.Ordinal) || path is "/status" or "/tenant"
            ? ""
            : $"?tenant_id={tenant}&account_id=nobody&message_id=none&name=none&command_id=1";

    /// <summary>A body of one message that the route refuses, or of what it needs.</summary>
    public static JsonNode Body(string path, string tenant)
    {
        var message = new JsonObject
        {
            ["id"] = "x",
            ["tenant_id"] = tenant,
            ["account_id"] = "nobody",
            ["from_addr"] = "a@example.com",
            ["to"] = new JsonArray("b@example.org"),
            ["subject"] = "Hello",
            ["body"] = "Text",
        };
        return path switch
        {
            "/commands/add-messages" or "/messages/add_batch" => new JsonObject { ["messages"] = new JsonArray(message) },
            "/messages/add" => message,
            "/tenant" or "/tenants/add" => new JsonObject { ["name"] = "no id" },
            "/volume" or "/storages/add" => new JsonObject { ["tenant_id"] = tenant, ["name"] = "no backend" },
            "/command_log/purge" => new JsonObject { ["threshold_ts"] = 1 },
            _ => new JsonObject
            {
                ["tenant_id"] = tenant,
                ["account_id"] = "nobody",
                ["ids"] = new JsonArray(),
                ["message_pk"] = "999999",
                ["name"] = "none",
            },
        };
    }
}
