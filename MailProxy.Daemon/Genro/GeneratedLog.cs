using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>The log of commands in version C. A tenant's key sees its own.</summary>
internal sealed class GeneratedLog(ICompatStore store, ReadTurns turns)
{
    private const string Entity = "command_log/";

    private static readonly GeneratedParameter Since = GeneratedRoute.Whole("since_ts"),
        Until = GeneratedRoute.Whole("until_ts"),
        Limit = GeneratedRoute.Whole("limit"),
        Offset = GeneratedRoute.Whole("offset");

    public IEnumerable<GeneratedRoute> Routes =>
        [
            GeneratedRoute.Get(
                Entity + "list",
                "Commands, oldest first",
                GenroWho.AnyToken,
                List,
                GeneratedRoute.Tenant,
                Since,
                Until,
                GeneratedRoute.Text("endpoint_filter"),
                Limit,
                Offset
            ),
            GeneratedRoute.Get(Entity + "get", "One command", GenroWho.AnyToken, Get, GeneratedRoute.Whole("command_id", required: true)),
            GeneratedRoute.Get(Entity + "export", "Commands to run again", GenroWho.AnyToken, Export, GeneratedRoute.Tenant, Since, Until),
            GeneratedRoute.Post(
                Entity + "purge",
                "Forget commands before a time",
                GenroWho.Admin,
                KeyScopes.None,
                Purge,
                GeneratedRoute.Whole("threshold_ts", required: true)
            ),
        ];

    private async Task<IResult> List(GeneratedCall call)
    {
        var (limit, offset) = (call.Whole(Limit.Name) ?? GenroCommandLog.UsualLimit, call.Whole(Offset.Name) ?? 0);
        if (limit is < 0 or > GenroCommandLog.MostListed)
            return GenroRefusal.Wrong("value_error", $"Input should be from 0 to {GenroCommandLog.MostListed}", "query", Limit.Name);
        if (offset < 0)
            return GenroRefusal.Wrong("greater_than_equal", "Input should be greater than or equal to 0", "query", Offset.Name);
        var found = await FindAsync(call, call.Text("endpoint_filter"), (int)limit, offset);
        return new GenroAnswer(new JsonArray([.. found.Select(static one => (JsonNode)GenroCommandLog.Shown(one, GenroForm.C))]));
    }

    private async Task<IResult> Get(GeneratedCall call)
    {
        var id = call.Whole("command_id")!.Value;
        return await store.CommandAsync(id) is { } found && (call.Caller.IsAdmin || found.Tenant == call.Caller.Tenant)
            ? new GenroAnswer(GenroCommandLog.Shown(found, GenroForm.C))
            : GenroRefusal.Text(404, $"Command '{id}' not found");
    }

    private async Task<IResult> Export(GeneratedCall call)
    {
        var found = await FindAsync(call, null, GenroCommandLog.MostListed, offset: 0);
        return new GenroAnswer(new JsonArray([.. found.Select(static one => (JsonNode)GenroCommandLog.Exported(one))]));
    }

    private async Task<IResult> Purge(GeneratedCall call) =>
        GenroAnswer.Ok(("deleted", await store.ForgetCommandsAsync(call.Whole("threshold_ts")!.Value * 1000)));

    // To the second: all of the last one counts.
    private Task<IReadOnlyList<CompatCommand>> FindAsync(GeneratedCall call, string? endpoint, int limit, long offset)
    {
        var tenant = call.Caller.IsAdmin ? call.Text(GeneratedRoute.TenantName) : call.Caller.Tenant;
        var filter = new CompatCommandFilter(tenant, endpoint, call.Whole(Since.Name) * 1000, (call.Whole(Until.Name) * 1000) + 999);
        return turns.RunAsync(call.Http, () => store.CommandsAsync(filter, limit, offset));
    }
}
