using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>Sending as a whole: suspend, activate, run now.</summary>
internal sealed class DispatcherRoutes(ISendingStore store, ConfigurationTurn turn, DispatcherControl dispatcher, OperatorLog told)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapPost("/dispatcher/suspend", (Delegate)Suspend)
            .WithName("suspendDispatcher")
            .WithSummary("Begin no new attempts")
            .WithTags("Dispatcher")
            .AdminOnly()
            .Produces<DispatcherAnswer>();
        v1.MapPost("/dispatcher/activate", (Delegate)Activate)
            .WithName("activateDispatcher")
            .WithSummary("Begin attempts again")
            .WithTags("Dispatcher")
            .AdminOnly()
            .Produces<DispatcherAnswer>();
        v1.MapPost("/dispatcher/run-now", RunNow)
            .WithName("runDispatcher")
            .WithSummary("End every back-off and look now")
            .WithTags("Dispatcher")
            .Needs(KeyScopes.Manage)
            .Produces<DispatcherAnswer>();
    }

    private Task<IResult> Suspend(HttpContext http) => SetAsync(http, true);

    private Task<IResult> Activate(HttpContext http) => SetAsync(http, false);

    // A tenant's own run-now tries its own accounts that are in trouble, and ends the back-off of its webhooks.
    private IResult RunNow(HttpContext http)
    {
        var caller = Caller.Of(http);
        if (caller.IsAdmin)
            dispatcher.RunNow();
        else
            dispatcher.ProbeNow(caller.Tenant);
        dispatcher.ReportNow(caller.IsAdmin ? null : caller.Tenant);
        return Answer();
    }

    private async Task<IResult> SetAsync(HttpContext http, bool suspended)
    {
        using var mine = await turn.TakeAsync(http.RequestAborted);
        await store.SetSuspendedAsync(suspended, Caller.Of(http).Actor);
        if (suspended)
            dispatcher.Suspend();
        else
            dispatcher.Activate();
        told.Switched(suspended, "All sending", Caller.Of(http).Actor);
        return Answer();
    }

    private IResult Answer() => TypedResults.Json(new(dispatcher.IsSuspended()), ApiJson.Plain.DispatcherAnswer);
}
