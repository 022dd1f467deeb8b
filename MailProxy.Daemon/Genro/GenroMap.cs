using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>Maps routes below a prefix, each with who may call it.</summary>
internal sealed class GenroMap(IEndpointRouteBuilder app, string prefix)
{
    public void Get(string path, GenroWho who, GenroTenantIn tenantIn, KeyScopes scope, Func<HttpContext, Task<IResult>> route) =>
        Add(HttpMethods.Get, path, new(who, tenantIn, scope), http => AnswerAsync(http, route));

    /// <summary>A route that writes its answer itself.</summary>
    public void GetWritten(string path, GenroWho who, GenroTenantIn tenantIn, KeyScopes scope, RequestDelegate route) =>
        Add(HttpMethods.Get, path, new(who, tenantIn, scope), route);

    public void Post(
        string path,
        GenroWho who,
        GenroTenantIn tenantIn,
        KeyScopes scope,
        Func<HttpContext, Task<IResult>> route,
        bool changes = false
    ) => Add(HttpMethods.Post, path, new(who, tenantIn, scope, changes), http => AnswerAsync(http, route));

    public void Put(
        string path,
        GenroWho who,
        GenroTenantIn tenantIn,
        KeyScopes scope,
        Func<HttpContext, Task<IResult>> route,
        bool changes = false
    ) => Add(HttpMethods.Put, path, new(who, tenantIn, scope, changes), http => AnswerAsync(http, route));

    public void Delete(
        string path,
        GenroWho who,
        GenroTenantIn tenantIn,
        KeyScopes scope,
        Func<HttpContext, Task<IResult>> route,
        bool changes = false
    ) => Add(HttpMethods.Delete, path, new(who, tenantIn, scope, changes), http => AnswerAsync(http, route));

    // Not in the document of this program's own contract.
    private void Add(string method, string path, GenroAccess access, RequestDelegate route) =>
        app.MapMethods(prefix + path, [method], route).WithMetadata(access, OwnKeyCheck.Mark).ExcludeFromDescription();

    private static async Task AnswerAsync(HttpContext http, Func<HttpContext, Task<IResult>> route) =>
        await (await route(http)).ExecuteAsync(http);
}
