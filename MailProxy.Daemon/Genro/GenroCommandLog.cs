using System.Globalization;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Reads the log of commands.</summary>
internal sealed class GenroCommandLog(ICompatStore store, ReadTurns turns)
{
    public const int UsualLimit = 100,
        MostListed = 10_000;

    public async Task<IResult> ListAsync(HttpContext http)
    {
        var mistakes = new List<GenroMistake>();
        var limit = Number(http, "limit", mistakes) ?? UsualLimit;
        var filter = Filter(http, mistakes);
        if (limit is < 1 or > MostListed)
            mistakes.Add(new("value_error", ["query", "limit"], $"Input should be from 1 to {MostListed}", null));
        if (mistakes.Count > 0)
            return GenroRefusal.Invalid(mistakes);
        var found = await turns.RunAsync(http, () => store.CommandsAsync(filter, (int)limit));
        var commands = new JsonArray([.. found.Select(static one => (JsonNode)Shown(one, GenroForm.B))]);
        return GenroAnswer.Ok(("commands", commands), ("total", found.Count));
    }

    public async Task<IResult> ExportAsync(HttpContext http)
    {
        var mistakes = new List<GenroMistake>();
        var filter = Filter(http, mistakes);
        if (mistakes.Count > 0)
            return GenroRefusal.Invalid(mistakes);
        var found = await turns.RunAsync(http, () => store.CommandsAsync(filter, MostListed));
        return GenroAnswer.Ok(("commands", new JsonArray([.. found.Select(static one => (JsonNode)Exported(one))])));
    }

    public static JsonObject Shown(CompatCommand one, GenroForm form)
    {
        var shown = new JsonObject
        {
            ["id"] = one.Id,
            ["command_ts"] = one.At / 1000,
            ["endpoint"] = one.Endpoint,
        };
        if (one.Tenant is not null || form.IsBare)
            shown["tenant_id"] = one.Tenant;
        shown["payload"] = JsonNode.Parse(one.Payload);
        shown["response_status"] = one.Status;
        if (form.IsBare)
            shown["response_body"] = null;
        return shown;
    }

    public static JsonObject Exported(CompatCommand one) =>
        new()
        {
            ["endpoint"] = one.Endpoint,
            ["tenant_id"] = one.Tenant,
            ["payload"] = JsonNode.Parse(one.Payload),
            ["command_ts"] = one.At / 1000,
        };

    // To the second: all of the last one counts.
    private static CompatCommandFilter Filter(HttpContext http, List<GenroMistake> mistakes) =>
        new(
            Text(http, "tenant_id"),
            Text(http, "endpoint_filter"),
            Number(http, "since_ts", mistakes) * 1000,
            Number(http, "until_ts", mistakes) is { } until ? (until * 1000) + 999 : null
        );

    private static long? Number(HttpContext http, string name, List<GenroMistake> mistakes)
    {
        if (Text(http, name) is not { } text)
            return null;
        if (long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) < 1_000_000_000_000)
            return number;
        mistakes.Add(new("int_parsing", ["query", name], "Input should be a valid integer", null));
        return null;
    }

    private static string? Text(HttpContext http, string name) => http.Request.Query[name] is [.., { Length: > 0 } text] ? text : null;
}
