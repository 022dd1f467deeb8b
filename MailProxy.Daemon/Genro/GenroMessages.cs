using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Lists, removes and hides messages of a tenant.</summary>
internal sealed class GenroMessages(ICompatStore store, RowWriter rows, ReadTurns turns, TimeProvider clock)
{
    private const long UsualAge = 7 * 86_400;
    private const int Piece = 32 << 10;

    /// <summary>Everything at once, as its clients expect; written as it is read.</summary>
    public async Task ListAsync(HttpContext http)
    {
        var caller = Caller.Of(http);
        var (active, history) = (Flag(http, "active_only"), Flag(http, "include_history"));
        if (active is null || history is null)
        {
            var name = active is null ? "active_only" : "include_history";
            GenroMistake mistake = new("bool_parsing", ["query", name], "Input should be a valid boolean, unable to interpret input", null);
            await GenroRefusal.Invalid([mistake]).ExecuteAsync(http);
            return;
        }

        var numbers = await turns.RunAsync(http, () => store.MessagesAsync(caller.Tenant, active.Value));
        http.Response.ContentType = "application/json";

        // What goes wrong before the first piece is full is still answered with a status.
        var piece = new ArrayBufferWriter<byte>(2 * Piece);
        using var json = new Utf8JsonWriter(piece, GenroAnswer.Plain);
        json.WriteStartObject();
        json.WriteBoolean("ok"u8, true);
        json.WriteStartArray("messages"u8);
        foreach (var number in numbers)
        {
            if (await store.MessageAsync(number, history.Value ? GenroTenants.Own : null) is not { } message)
                continue;
            rows.Write(json, message);
            if (json.BytesPending + piece.WrittenCount >= Piece)
                await SendAsync(http, json, piece);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        await SendAsync(http, json, piece);
    }

    private static async Task SendAsync(HttpContext http, Utf8JsonWriter json, ArrayBufferWriter<byte> piece)
    {
        json.Flush();
        await http.Response.BodyWriter.WriteAsync(piece.WrittenMemory, http.RequestAborted);
        piece.ResetWrittenCount();
    }

    public async Task<IResult> DeleteAsync(Caller caller, GenroReader reader)
    {
        var ids = new List<string>();
        if (reader.List("ids", required: true) is { } list)
        {
            var index = 0;
            foreach (var item in list.EnumerateArray())
            {
                if (item.ValueKind == JsonValueKind.String)
                    ids.Add(item.GetString()!);
                else
                    reader.Fault("ids", index, "string_type", "Input should be a valid string");
                index++;
            }
        }

        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        string[] once = [.. ids.Distinct(StringComparer.Ordinal)];
        var ends = await store.RemoveAsync(caller.Tenant, once, caller.Actor);

        // Whether another tenant has such a message nobody is told, so what is unknown is called unauthorized, as it always was.
        var unauthorized = once.Where((_, i) => ends[i] == CompatRemoval.NotFound);
        return GenroAnswer.Ok(
            ("removed", ends.Count(static end => end == CompatRemoval.Removed)),
            ("not_found", new JsonArray()),
            ("unauthorized", new JsonArray([.. unauthorized.Select(static id => (JsonNode)id)]))
        );
    }

    public async Task<IResult> CleanupAsync(HttpContext http, GenroReader reader)
    {
        var age = reader.Whole("older_than_seconds") ?? UsualAge;
        if (age < 0)
            reader.Fault("older_than_seconds", "greater_than_equal", "Input should be greater than or equal to 0");
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        var before = clock.GetUtcNow().ToUnixTimeMilliseconds() - Math.Min(age, UsualAge * 1_000) * 1_000;
        var tenant = Caller.Of(http).Tenant;
        var hidden = await turns.RunAsync(http, () => store.HideReportedAsync(tenant, GenroTenants.Own, before));
        return GenroAnswer.Ok(("removed", hidden));
    }

    // Null: it is none.
    private static bool? Flag(HttpContext http, string name) => http.Request.Query[name] is [.., { } text] ? GenroReader.Word(text) : false;
}
