using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Notes commands of clients, without secrets and bodies.</summary>
internal sealed partial class GenroCommands(ICompatStore store, TimeProvider clock, ILogger<GenroCommands> logger)
{
    private static readonly HashSet<string> Secret = new(StringComparer.Ordinal)
    {
        "password",
        "token",
        "imap_password",
        "bounce_imap_password",
        "client_auth",
        "auth",
        "body",
        "api_key",
    };

    /// <summary>Characters of what is noted of a command.</summary>
    public const int LongestPayload = 65_536;

    /// <summary>Is noted instead of more.</summary>
    public const string TooLong = """{"omitted":"too long"}""";

    private const int LongestTenant = 63;

    /// <summary>Answers as the route does, and notes the command with its status.</summary>
    public Task<IResult> RunAsync(HttpContext http, string endpoint, string? tenant, JsonObject payload, Func<Task<IResult>> route) =>
        RunNotedAsync(http, endpoint, tenant, () => Short(payload), route);

    /// <param name="payload">JSON of what was commanded, asked for when it is done.</param>
    public async Task<IResult> RunNotedAsync(
        HttpContext http,
        string endpoint,
        string? tenant,
        Func<string> payload,
        Func<Task<IResult>> route
    )
    {
        var answer = await route();
        var status = answer switch
        {
            GenroRefusal refusal => refusal.Status,
            GenroAnswer given => given.Status,
            Api.ProblemAnswer problem => problem.Problem.Status,
            _ => StatusCodes.Status200OK,
        };
        try
        {
            var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            var named = tenant is { Length: > LongestTenant } ? null : tenant;
            await store.AppendCommandAsync(new(0, now, endpoint, named, payload(), status));
        }
        catch (StoreUnavailableException error)
        {
            // What was commanded is done, and its answer counts.
            Log.NotNoted(logger, endpoint, http.TraceIdentifier, error);
        }

        return answer;
    }

    private static string Short(JsonObject payload) => payload.ToJsonString() is { Length: <= LongestPayload } whole ? whole : TooLong;

    /// <summary>A command's object without what is secret.</summary>
    public static JsonObject Payload(JsonElement command)
    {
        var payload = new JsonObject();
        foreach (var member in command.EnumerateObject())
        {
            if (!Secret.Contains(member.Name))
                payload[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        }

        return payload;
    }

    private static partial class Log
    {
        [LoggerMessage(950, LogLevel.Warning, "The command {Endpoint} of request {RequestId} could not be noted")]
        public static partial void NotNoted(ILogger logger, string endpoint, string requestId, Exception fault);
    }
}
