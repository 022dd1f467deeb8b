using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary><c>DELETE /v1/recipients</c>: erases a person's data, and says what it erased.</summary>
internal sealed class RecipientRoutes(IErasure store, SandboxView sandbox, Wake wake, TimeProvider clock, ReadTurns turns)
{
    private const int MostPending = 100;

    public void Map(RouteGroupBuilder v1) =>
        v1.MapDelete("/recipients", (Delegate)Erase)
            .Needs(KeyScopes.Manage)
            .WithName("eraseRecipient")
            .WithSummary("Erase what is known of an address, and stop mail to it that waits")
            .WithTags("Recipients")
            .Query("address", "tenant")
            .Produces<ErasureAnswer>();

    private async Task<IResult> Erase(HttpContext http)
    {
        var query = new QueryReader(http);
        var text = query.Text("address");
        var mailbox = default(Mailbox);
        if (text is null)
            query.Fault("address", "Required: the address that mail was sent to.");
        else if (Addresses.ReadBare(text, out mailbox) is { } fault)
            query.Fault("address", fault.Detail);
        if (query.Refusal is { } refusal)
            return refusal;
        if (!query.Tenant(out var tenant))
            return ProblemAnswer.Of(404, "unknown_tenant", "There is no such tenant.");

        var caller = Caller.Of(http);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var counts = default(ErasedCounts);
        var pending = new List<PendingErasure>();
        for (long? after = 0; after is { } from; )
        {
            var slice = await turns.RunAsync(http, () => store.EraseAsync(tenant, mailbox.Address, from, now, caller.Actor));
            foreach (var (lane, due) in slice.Lanes)
                wake.Due(lane, due);
            counts += slice.Counts;
            pending.AddRange(slice.Pending);
            after = slice.Through;
        }

        // What the catcher keeps belongs to no tenant, and only the admin key sees it.
        var caught = caller.IsAdmin ? sandbox.Forget(mailbox.Address) : 0;
        return TypedResults.Json(
            new(
                counts.Messages,
                counts.Cancelled,
                counts.Bodies,
                counts.Events,
                counts.Links,
                caught,
                [.. pending.Take(MostPending).Select(p => new PendingErasureAnswer(p.Key.Tenant, p.Key.Id, p.State.Name()))],
                pending.Count
            ),
            ApiJson.Plain.ErasureAnswer
        );
    }
}
