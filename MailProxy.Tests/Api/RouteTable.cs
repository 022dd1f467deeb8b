using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MailProxy.Tests.Api;

/// <summary>Who may call a route.</summary>
internal enum Access
{
    Public,
    Send,
    Read,
    Manage,
    Admin,
}

/// <param name="Json">A body that the route takes.</param>
/// <param name="Answer">What whoever may call it gets, when the tenant has one of everything.</param>
/// <param name="Elsewhere">What he gets in a tenant that has nothing; null: 404 when the route names an object, else the same.</param>
/// <param name="Before">A route to call first.</param>
/// <param name="Query">What the route must be asked with.</param>
internal sealed record RouteEntry(
    Access Access,
    string? Json = null,
    int Answer = 200,
    int? Elsewhere = null,
    string? Before = null,
    string Query = ""
)
{
    public bool IsPublic => Access == Access.Public;

    public string MediaType { get; init; } = "application/json";

    public KeyScopes Scope =>
        Access switch
        {
            Access.Send => KeyScopes.Send,
            Access.Read => KeyScopes.Read,
            Access.Manage => KeyScopes.Manage,
            _ => KeyScopes.None,
        };
}

/// <summary>
/// Every route there is, and who may call it. A test compares it with the routes, so that a new route without an entry fails.
/// </summary>
internal static class RouteTable
{
    public const string Account = """{"sandbox":true}""";
    public const string DkimKey = """{"domain":"x.example","selector":"some","algorithm":"ed25519"}""";
    public const string Webhook = """{"url":"https://hook.example.com/","types":["webhook.disabled"]}""";
    public const string Volume = """{"backend":"http","config":{"base_url":"http://127.0.0.1:9/"}}""";
    public const string Pool = """{"strategy":"failover","accounts":["some"]}""";
    public const string Message =
        """{"id":"some","account":"some","from":"a@x.example","to":"b@y.example","text":"t","batch":"some","send_at":"2099-01-01T00:00:00Z"}""";

    private static readonly string Other = Message.Replace("2099", "2098");

    public static readonly IReadOnlyDictionary<string, RouteEntry> Entries = new Dictionary<string, RouteEntry>
    {
        ["POST /v1/messages"] = new(Access.Send, Other, 202, 422),
        ["POST /v1/messages/batch"] = new(Access.Send, $$"""{"messages":[{{Other}}]}"""),
        ["GET /v1/messages"] = new(Access.Read),
        ["GET /v1/messages/{id}"] = new(Access.Read),
        ["POST /v1/messages/{id}/reroute"] = new(Access.Send, """{"pool":"other"}""", Elsewhere: 422),
        ["POST /v1/messages/reroute"] = new(Access.Send, """{"pool":"other"}""", Elsewhere: 422),
        ["POST /v1/messages/actions"] = new(Access.Send, """{"action":"cancel","q":"status:held","preview":true}"""),
        ["GET /v1/operations"] = new(Access.Read),
        ["GET /v1/operations/{id}"] = new(Access.Read),
        ["POST /v1/operations/{id}/stop"] = new(Access.Send, Answer: 409),
        ["POST /v1/operations/{id}/undo"] = new(Access.Send, Answer: 409),
        ["PUT /v1/suppressions"] = new(Access.Manage, """{"address":"nobody@z.example","reason":"r"}""", 200, 201),
        ["GET /v1/suppressions"] = new(Access.Read),
        ["DELETE /v1/suppressions"] = new(Access.Manage, Answer: 204, Elsewhere: 404, Query: "?address=nobody@z.example"),
        ["POST /v1/suppressions/import"] = new(Access.Manage, """{"address":"nobody@z.example"}""") { MediaType = "application/x-ndjson" },
        ["GET /v1/suppressions/export"] = new(Access.Read),
        ["GET /v1/pools"] = new(Access.Read),
        ["GET /v1/pools/{id}"] = new(Access.Read),
        ["PUT /v1/pools/{id}"] = new(Access.Manage, Pool, Elsewhere: 422),
        ["DELETE /v1/pools/{id}"] = new(Access.Manage, Answer: 204),
        ["GET /v1/pools/{id}/explain"] = new(Access.Read),
        ["GET /v1/messages/{id}/explain"] = new(Access.Read),
        ["GET /v1/accounts/{id}/explain"] = new(Access.Read),
        ["GET /v1/where"] = new(Access.Read, Query: "?address=b@y.example"),
        ["GET /v1/messages/{id}/events"] = new(Access.Read),
        ["GET /v1/messages/{id}/attempts"] = new(Access.Read),
        ["GET /v1/messages/{id}/raw"] = new(Access.Read),
        ["POST /v1/messages/{id}/cancel"] = new(Access.Send),
        ["POST /v1/messages/{id}/retry"] = new(Access.Send),
        ["POST /v1/messages/{id}/hold"] = new(Access.Send),
        ["POST /v1/messages/{id}/release"] = new(Access.Send, Before: "POST /v1/messages/{id}/hold"),
        ["POST /v1/messages/{id}/reschedule"] = new(Access.Send, """{"send_at":"2097-01-01T00:00:00Z"}"""),
        ["GET /v1/tenants"] = new(Access.Admin),
        ["GET /v1/tenants/{id}"] = new(Access.Admin),
        ["PUT /v1/tenants/{id}"] = new(Access.Admin, """{"name":"n"}"""),
        ["DELETE /v1/tenants/{id}"] = new(Access.Admin, Answer: 204),
        ["POST /v1/tenants/{id}/keys"] = new(Access.Admin, """{"name":"n","scopes":["read"]}""", 201),
        ["GET /v1/tenants/{id}/keys"] = new(Access.Admin),
        ["DELETE /v1/tenants/{id}/keys/{key}"] = new(Access.Admin, Answer: 204),
        ["GET /v1/audit"] = new(Access.Admin),
        ["GET /v1/batches/{id}"] = new(Access.Read),
        ["POST /v1/batches/{id}/suspend"] = new(Access.Send, Elsewhere: 200),
        ["POST /v1/batches/{id}/activate"] = new(Access.Send, Before: "POST /v1/batches/{id}/suspend"),
        ["GET /v1/accounts"] = new(Access.Read),
        ["GET /v1/accounts/{id}"] = new(Access.Read),
        ["PUT /v1/accounts/{id}"] = new(Access.Manage, Account, Elsewhere: 201),
        ["DELETE /v1/accounts/{id}"] = new(Access.Manage, Answer: 409),
        ["POST /v1/accounts/{id}/pause"] = new(Access.Manage),
        ["POST /v1/accounts/{id}/resume"] = new(Access.Manage, Before: "POST /v1/accounts/{id}/pause"),
        ["POST /v1/accounts/{id}/circuit/reset"] = new(Access.Manage),
        ["POST /v1/accounts/{id}/adaptive/reset"] = new(Access.Manage),
        ["POST /v1/accounts/{id}/test"] = new(Access.Manage),
        ["POST /v1/accounts/{id}/dkim"] = new(Access.Manage, DkimKey, 201),
        ["GET /v1/accounts/{id}/dkim"] = new(Access.Read),
        ["POST /v1/accounts/{id}/dkim/{selector}/activate"] = new(Access.Manage, Before: "POST /v1/accounts/{id}/dkim"),
        ["DELETE /v1/accounts/{id}/dkim/{selector}"] = new(Access.Manage, Answer: 204, Before: "POST /v1/accounts/{id}/dkim"),
        ["GET /v1/events"] = new(Access.Read),
        ["GET /v1/webhooks"] = new(Access.Read),
        ["GET /v1/webhooks/{id}"] = new(Access.Read),
        ["GET /v1/webhooks/{id}/answers"] = new(Access.Read),
        ["PUT /v1/webhooks/{id}"] = new(Access.Manage, Webhook, Elsewhere: 201),
        ["DELETE /v1/webhooks/{id}"] = new(Access.Manage, Answer: 204),
        ["POST /v1/webhooks/{id}/pause"] = new(Access.Manage),
        ["POST /v1/webhooks/{id}/resume"] = new(Access.Manage, Before: "POST /v1/webhooks/{id}/pause"),
        ["POST /v1/webhooks/{id}/test"] = new(Access.Manage),
        ["POST /v1/webhooks/{id}/rotate-secret"] = new(Access.Manage),
        ["POST /v1/webhooks/{id}/replay"] = new(Access.Manage, """{"from":0}"""),
        ["GET /v1/batches"] = new(Access.Read),
        ["PUT /v1/batches/{id}"] = new(Access.Send, """{"suspended":true}""", Elsewhere: 201),
        ["DELETE /v1/batches/{id}"] = new(Access.Send, Answer: 409),
        ["DELETE /v1/recipients"] = new(Access.Manage, Query: "?address=nobody@z.example"),
        ["GET /v1/volumes"] = new(Access.Read),
        ["GET /v1/volumes/{id}"] = new(Access.Read),
        ["PUT /v1/volumes/{id}"] = new(Access.Manage, Volume, Elsewhere: 201),
        ["DELETE /v1/volumes/{id}"] = new(Access.Manage, Answer: 204),
        ["POST /v1/volumes/{id}/test"] = new(Access.Manage),
        ["POST /v1/dispatcher/suspend"] = new(Access.Admin, Before: "POST /v1/dispatcher/activate"),
        ["POST /v1/dispatcher/activate"] = new(Access.Admin, Before: "POST /v1/dispatcher/suspend"),
        ["POST /v1/dispatcher/run-now"] = new(Access.Manage),
        ["GET /v1/status"] = new(Access.Admin),
        ["GET /v1/nodes"] = new(Access.Admin),
        ["GET /v1/status/flow"] = new(Access.Admin),
        ["GET /v1/self"] = new(Access.Read),
        ["GET /v1/requests"] = new(Access.Read),
        ["GET /v1/sandbox/messages"] = new(Access.Admin),
        ["GET /v1/sandbox/messages/{id:long}/raw"] = new(Access.Admin, Answer: 404),
        ["GET /"] = new(Access.Public),
        ["HEAD /"] = new(Access.Public),
        ["HEAD /health/live"] = new(Access.Public),
        ["HEAD /health/ready"] = new(Access.Public),
        ["HEAD /metrics"] = new(Access.Public),
        ["HEAD /openapi/{documentName}.json"] = new(Access.Public),
        ["GET /health/live"] = new(Access.Public),
        ["GET /health/ready"] = new(Access.Public),
        ["GET /metrics"] = new(Access.Public),
        ["GET /docs/{**page}"] = new(Access.Public),
        ["GET /d/{token}"] = new(Access.Public),
        ["HEAD /d/{token}"] = new(Access.Public),
        ["GET /u/{token}"] = new(Access.Public),
        ["HEAD /u/{token}"] = new(Access.Public),
        ["POST /u/{token}"] = new(Access.Public),
        ["GET /openapi/{documentName}.json"] = new(Access.Public),
    };

    /// <summary>Routes that take another kind of body too.</summary>
    public static readonly IReadOnlyDictionary<string, RouteEntry> Variants = new Dictionary<string, RouteEntry>
    {
        ["POST /v1/messages as NDJSON"] = new(Access.Send, Other) { MediaType = "application/x-ndjson" },
        ["POST /v1/messages/batch as NDJSON"] = new(Access.Send, Other) { MediaType = "application/x-ndjson" },
    };

    /// <summary>
    /// What the audit log says of each route that may change something; null: that it leaves nothing there, because it only submits or
    /// looks, or is refused here.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, string?> Audited = new Dictionary<string, string?>
    {
        ["POST /v1/messages"] = null,
        ["POST /v1/messages/batch"] = null,
        ["POST /v1/messages/actions"] = null,
        ["POST /v1/operations/{id}/stop"] = null,
        ["POST /v1/operations/{id}/undo"] = null,
        ["POST /v1/messages/{id}/cancel"] = "message.cancel",
        ["POST /v1/messages/{id}/retry"] = "message.retry",
        ["POST /v1/messages/{id}/hold"] = "message.hold",
        ["POST /v1/messages/{id}/release"] = "message.release",
        ["POST /v1/messages/{id}/reschedule"] = "message.reschedule",
        ["PUT /v1/tenants/{id}"] = "tenant.replace",
        ["DELETE /v1/tenants/{id}"] = "tenant.delete",
        ["POST /v1/tenants/{id}/keys"] = "key.create",
        ["DELETE /v1/tenants/{id}/keys/{key}"] = "key.delete",
        ["PUT /v1/batches/{id}"] = "batch.suspend",
        ["DELETE /v1/batches/{id}"] = null,
        ["DELETE /v1/recipients"] = null,
        ["POST /v1/batches/{id}/suspend"] = "batch.suspend",
        ["POST /v1/batches/{id}/activate"] = "batch.activate",
        ["POST /v1/messages/{id}/reroute"] = "message.reroute",
        ["POST /v1/messages/reroute"] = "message.reroute",
        ["PUT /v1/suppressions"] = "suppression.replace",
        ["DELETE /v1/suppressions"] = "suppression.delete",
        ["POST /v1/suppressions/import"] = "suppression.import",
        ["PUT /v1/pools/{id}"] = "pool.replace",
        ["DELETE /v1/pools/{id}"] = "pool.delete",
        ["PUT /v1/accounts/{id}"] = "account.replace",
        ["DELETE /v1/accounts/{id}"] = null,
        ["POST /v1/accounts/{id}/pause"] = "account.pause",
        ["POST /v1/accounts/{id}/resume"] = "account.resume",
        ["POST /v1/accounts/{id}/circuit/reset"] = null,
        ["POST /v1/accounts/{id}/adaptive/reset"] = null,
        ["POST /v1/accounts/{id}/test"] = null,
        ["POST /v1/accounts/{id}/dkim"] = "account.dkim_create",
        ["POST /v1/accounts/{id}/dkim/{selector}/activate"] = "account.dkim_activate",
        ["DELETE /v1/accounts/{id}/dkim/{selector}"] = "account.dkim_delete",
        ["PUT /v1/webhooks/{id}"] = "webhook.replace",
        ["DELETE /v1/webhooks/{id}"] = "webhook.delete",
        ["POST /v1/webhooks/{id}/pause"] = "webhook.pause",
        ["POST /v1/webhooks/{id}/resume"] = "webhook.resume",
        ["POST /v1/webhooks/{id}/test"] = null,
        ["POST /v1/webhooks/{id}/rotate-secret"] = "webhook.rotate_secret",
        ["POST /v1/webhooks/{id}/replay"] = "webhook.replay",
        ["PUT /v1/volumes/{id}"] = "volume.replace",
        ["DELETE /v1/volumes/{id}"] = "volume.delete",
        ["POST /v1/volumes/{id}/test"] = null,
        ["POST /v1/dispatcher/suspend"] = "dispatcher.suspend",
        ["POST /v1/dispatcher/activate"] = "dispatcher.activate",
        ["POST /v1/dispatcher/run-now"] = null,
    };

    public static RouteEntry Find(string route) => Entries.GetValueOrDefault(route) ?? Variants[route];

    /// <summary>The routes there are, and what each says of itself; null: nothing.</summary>
    public static IReadOnlyList<(string Route, Access? Access)> Of(IServiceProvider services) =>
        [
            .. services
                .GetRequiredService<EndpointDataSource>()
                .Endpoints.OfType<RouteEndpoint>()
                .SelectMany(e =>
                    e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(m => ($"{m} {e.RoutePattern.RawText}", AccessOf(e)))
                ),
        ];

    /// <summary>The lists that may be asked for another tenant's things.</summary>
    public static IEnumerable<string> Lists(IServiceProvider services) =>
        services
            .GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e =>
                e.Metadata.GetMetadata<QueryNames>()?.Names.Contains("tenant") == true
                && e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains("GET")
            )
            .Select(e => $"GET {e.RoutePattern.RawText}");

    private static Access? AccessOf(RouteEndpoint route)
    {
        if (route.Metadata.GetMetadata<PublicRoute>() is not null)
            return Access.Public;
        return route.Metadata.GetMetadata<RouteScope>()?.Needed switch
        {
            KeyScopes.None => Access.Admin,
            KeyScopes.Send => Access.Send,
            KeyScopes.Read => Access.Read,
            KeyScopes.Manage => Access.Manage,
            _ => null,
        };
    }
}
