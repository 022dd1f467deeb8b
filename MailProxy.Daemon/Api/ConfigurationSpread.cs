using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Nodes;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Holds back the answer to a change of the configuration until every node has it in force, or says which have not answered yet. Only where
/// several nodes share the store.
/// </summary>
internal sealed class ConfigurationSpread(RequestDelegate next, INodes nodes)
{
    /// <summary>Names of nodes, with commas, at which the change is not in force yet.</summary>
    public const string Header = "MailProxy-Pending-Nodes";

    private const string Unknown = "unknown";

    /// <summary>How long the answer is held back at the most.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    public Task InvokeAsync(HttpContext http)
    {
        if (!HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method) && MayChange(http.GetEndpoint()))
            http.Response.OnStarting(() => SpreadAsync(http.Response));
        return next(http);
    }

    private static bool MayChange(Endpoint? endpoint) =>
        endpoint?.Metadata.GetMetadata<ConfigurationChange>() is not null
        || endpoint?.Metadata.GetMetadata<RouteScope>()?.Needed is KeyScopes.Manage or KeyScopes.None;

    private async Task SpreadAsync(HttpResponse response)
    {
        if (response.StatusCode >= StatusCodes.Status300MultipleChoices)
            return;
        try
        {
            if (await nodes.EverywhereAsync(Longest).WaitAsync(Longest * 2) is { Count: > 0 } late)
                response.Headers[Header] = string.Join(", ", late);
        }
        catch (Exception error) when (error is StoreUnavailableException or TimeoutException)
        {
            response.Headers[Header] = Unknown; // the change is made, and nobody can say where it is in force
        }
    }
}
