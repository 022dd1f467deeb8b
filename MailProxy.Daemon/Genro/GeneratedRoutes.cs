using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;

namespace MailProxy.Daemon.Genro;

/// <summary>
/// The routes of version C, <c>/entity/method</c>: each says what its parameters are, from which they are read, checked and described.
/// </summary>
internal sealed class GeneratedRoutes(
    GeneratedTenants tenants,
    GeneratedAccounts accounts,
    GeneratedMessages messages,
    GeneratedStorages storages,
    GeneratedInstance instance,
    GeneratedLog log,
    GenroBodies bodies,
    GenroCommands commands,
    GenroOptions options
)
{
    public IReadOnlyList<GeneratedRoute> All { get; } =
    [.. tenants.Routes, .. accounts.Routes, .. messages.Routes, .. storages.Routes, .. instance.Routes, .. log.Routes];

    public void Map(GenroMap map)
    {
        foreach (var route in All)
        {
            var path = "/" + route.Path;
            if (route.Method == HttpMethods.Get)
                map.Get(path, route.Who, InQuery(route), route.Scope, http => GetAsync(http, route));
            else
                map.Post(path, route.Who, GenroTenantIn.Body, route.Scope, http => PostAsync(http, route), route.Changes);
        }
    }

    private static GenroTenantIn InQuery(GeneratedRoute route) => route.NamesTenant ? GenroTenantIn.Query : GenroTenantIn.Token;

    private async Task<IResult> GetAsync(HttpContext http, GeneratedRoute route)
    {
        GenroMistake[] mistakes =
        [
            .. route.Parameters.Select(one => one.Check(GeneratedCall.QueryOf(http, one.Name))).OfType<GenroMistake>(),
        ];
        if (mistakes.Length > 0)
            return GenroRefusal.Invalid(mistakes);
        var caller = Caller.Of(http);
        var call = new GeneratedCall(http, caller, null);
        if (route.Command is not { } name)
            return await route.Run(call);
        var payload = new JsonObject();
        foreach (var parameter in route.Parameters)
        {
            if (call.Text(parameter.Name) is { } text)
                payload[parameter.Name] = text;
        }

        return await commands.RunAsync(http, name, caller.Tenant, payload, () => route.Run(call));
    }

    private async Task<IResult> PostAsync(HttpContext http, GeneratedRoute route)
    {
        if (route.ReadsBody)
            return await route.Run(new(http, Caller.Of(http), null));
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        var reader = new GenroReader(body.Root);
        var named = route.NamesTenant ? reader.Text(GeneratedRoute.TenantName) : null;
        var caller = Caller.Of(http);

        // Who may not name the tenant hears that first, and only that.
        if (!caller.IsAdmin && GenroKeyCheck.Acting(http, options, named, out caller) is { } stranger)
            return stranger;
        foreach (var parameter in route.Parameters)
            parameter.Check(reader);
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        var isAboutOne = route.Who == GenroWho.Tenant || !caller.IsAdmin || (route.Who == GenroWho.AnyToken && named is not null);
        if (isAboutOne && GenroKeyCheck.Acting(http, options, named, out caller) is { } other)
            return other;
        var call = new GeneratedCall(http, caller, reader);
        return route.Command is { } name
            ? await commands.RunAsync(
                http,
                name,
                isAboutOne ? caller.Tenant : named ?? reader.Text("id"),
                GenroCommands.Payload(body.Root),
                () => route.Run(call)
            )
            : await route.Run(call);
    }
}
