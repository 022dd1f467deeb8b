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

    private const int LongestPayload = 65_536,
        LongestTenant = 63;

    // Of a message: what says which it is, and nothing of what it says to whom.
    private static readonly string[] OfMessage = ["id", "tenant_id", "account_id", "priority", "batch_code", "deferred_ts"];

    /// <summary>Answers as the route does, and notes the command with its status.</summary>
    public async Task<IResult> RunAsync(HttpContext http, string endpoint, string? tenant, JsonObject payload, Func<Task<IResult>> route)
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
            await store.AppendCommandAsync(new(0, now, endpoint, named, Short(payload), status));
        }
        catch (StoreUnavailableException error)
        {
            // What was commanded is done, and its answer counts.
            Log.NotNoted(logger, endpoint, http.TraceIdentifier, error);
        }

        return answer;
    }

    // Of many messages their ids.
    private static string Short(JsonObject payload)
    {
        if (payload.ToJsonString() is { Length: <= LongestPayload } whole)
            return whole;
        if (payload["messages"] is JsonArray messages)
            payload["messages"] = new JsonArray([
                .. messages.Select(static one => (JsonNode)new JsonObject { ["id"] = one?["id"]?.DeepClone() }),
            ]);
        return payload.ToJsonString() is { Length: <= LongestPayload } shorter ? shorter : """{"omitted":"too long"}""";
    }

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

    /// <summary>Submitted messages.</summary>
    public static JsonObject Messages(JsonElement command)
    {
        var payload = new JsonObject();
        if (command.TryGetProperty("default_priority", out var priority) && priority.ValueKind != JsonValueKind.Object)
            payload["default_priority"] = JsonNode.Parse(priority.GetRawText());
        var messages = new JsonArray();
        if (command.TryGetProperty("messages", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (var message in list.EnumerateArray())
                messages.Add((JsonNode)Message(message));
        }

        payload["messages"] = messages;
        return payload;
    }

    /// <summary>A message that is submitted alone.</summary>
    public static JsonObject OneMessage(JsonElement message) => new() { ["messages"] = new JsonArray(Message(message)) };

    private static JsonObject Message(JsonElement message)
    {
        var noted = new JsonObject();
        if (message.ValueKind != JsonValueKind.Object)
            return noted;
        foreach (var name in OfMessage)
        {
            if (message.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String or JsonValueKind.Number)
                noted[name] = value.GetRawText().Length <= 200 ? JsonNode.Parse(value.GetRawText()) : null;
        }

        return noted;
    }

    private static partial class Log
    {
        [LoggerMessage(950, LogLevel.Warning, "The command {Endpoint} of request {RequestId} could not be noted")]
        public static partial void NotNoted(ILogger logger, string endpoint, string requestId, Exception fault);
    }
}
