using MailProxy.Pipeline.Storage.Nodes;

namespace MailProxy.Daemon.Api;

/// <summary><c>GET /v1/nodes</c>: the nodes that share the store.</summary>
internal sealed class NodeRoutes(INodes nodes)
{
    public void Map(RouteGroupBuilder v1) =>
        v1.MapGet("/nodes", (Delegate)Get)
            .WithName("listNodes")
            .WithSummary("The nodes that share the store, and what each sends for")
            .WithTags("Status")
            .AdminOnly()
            .Produces<NodeList>();

    private async Task<IResult> Get()
    {
        var configuration = await nodes.ConfigurationAsync();
        var lanes = nodes.LanesOf;
        var house = nodes.HouseKeeper;
        var alive = nodes.Alive;
        NodeAnswer[] all =
        [
            .. alive
                .OrderBy(static node => node.Name, StringComparer.Ordinal)
                .Select(node => new NodeAnswer(
                    node.Name,
                    node.Session,
                    node.Version,
                    Times.Utc(node.StartedAt),
                    Times.Utc(node.BeatAt),
                    lanes.GetValueOrDefault(node.Session),
                    node.Session == house,
                    node.IsLeaving,
                    node.Seen >= configuration,
                    node.Profiles,
                    node.Session == nodes.Me
                )),
        ];
        var differ = NodeRow.DoProfilesDiffer(alive);
        return TypedResults.Json(new(nodes.IsShared, differ, all), ApiJson.Plain.NodeList);
    }
}

/// <param name="Shared">Whether several nodes can share the store: with PostgreSQL. Else there are none in the list.</param>
/// <param name="ProfilesDiffer">Whether nodes judge replies by different provider profiles.</param>
/// <param name="Data">The nodes that live, by name.</param>
public sealed record NodeList(bool Shared, bool ProfilesDiffer, IReadOnlyList<NodeAnswer> Data);

/// <param name="Name"><c>Storage:Nodes:Name</c>.</param>
/// <param name="Session">A number that each start of a node gets anew.</param>
/// <param name="StartedAt">UTC, by the node's clock.</param>
/// <param name="BeatAt">When it last told that it lives, UTC, by its own clock.</param>
/// <param name="Lanes">How many accounts and pools it sends for.</param>
/// <param name="KeepsHouse">Whether it is the one that tells webhooks, forgets what is old, and runs operations.</param>
/// <param name="Leaving">It stops, and gives up what it sends for.</param>
/// <param name="InForce">Whether everything that is configured now is in force there.</param>
/// <param name="Profiles">A hash of the provider profiles that it judges replies by.</param>
/// <param name="Here">Whether it has answered this request.</param>
public sealed record NodeAnswer(
    string Name,
    long Session,
    string Version,
    DateTime StartedAt,
    DateTime BeatAt,
    int Lanes,
    bool KeepsHouse,
    bool Leaving,
    bool InForce,
    string Profiles,
    bool Here
);
