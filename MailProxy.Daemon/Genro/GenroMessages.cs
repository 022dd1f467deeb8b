using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Lists, removes and hides messages of a tenant.</summary>
internal sealed class GenroMessages(ICompatStore store, RowWriter rows, ReadTurns turns, TimeProvider clock)
{
    private const long UsualAge = 7 * 86_400;
    private const int Piece = 32 << 10;

    /// <summary>The messages of the caller's tenant, as the query says.</summary>
    public async Task ListAsync(HttpContext http, GenroForm form)
    {
        var (active, history) = (Flag(http, "active_only"), Flag(http, "include_history"));
        if (active is null || history is null)
        {
            var name = active is null ? "active_only" : "include_history";
            var refusal = GenroRefusal.Wrong("bool_parsing", "Input should be a valid boolean, unable to interpret input", "query", name);
            await refusal.ExecuteAsync(http);
            return;
        }

        await ListAsync(http, Caller.Of(http).Tenant, active.Value, history.Value, form);
    }

    /// <summary>Everything at once, as its clients expect; written as it is read.</summary>
    /// <param name="tenant">Null: of all tenants.</param>
    public async Task ListAsync(HttpContext http, string? tenant, bool activeOnly, bool withHistory, GenroForm form)
    {
        var numbers = await turns.RunAsync(http, () => store.MessagesAsync(tenant, activeOnly));
        http.Response.ContentType = "application/json";

        // What goes wrong before the first piece is full is still answered with a status.
        var piece = new ArrayBufferWriter<byte>(2 * Piece);
        using var json = new Utf8JsonWriter(piece, GenroAnswer.Plain);
        if (!form.IsBare)
        {
            json.WriteStartObject();
            json.WriteBoolean("ok"u8, true);
            json.WritePropertyName("messages"u8);
        }

        json.WriteStartArray();
        foreach (var number in numbers)
        {
            if (await store.MessageAsync(number, withHistory ? GenroTenants.Own : null) is not { } message)
                continue;
            rows.Write(json, message, form, withHistory);
            if (json.BytesPending + piece.WrittenCount >= Piece)
                await SendAsync(http, json, piece);
        }

        json.WriteEndArray();
        if (!form.IsBare)
            json.WriteEndObject();
        await SendAsync(http, json, piece);
    }

    /// <summary>One message as lists have it; null: there is none.</summary>
    public async Task<JsonNode?> ShowAsync(MessageKey key, GenroForm form)
    {
        if (await store.NumberAsync(key.Tenant, key.Id) is not { } number || await store.MessageAsync(number, null) is not { } message)
            return null;
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, GenroAnswer.Plain))
            rows.Write(json, message, form, withHistory: false);
        return JsonNode.Parse(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    public async Task<IResult> DeleteAsync(Caller caller, GenroReader reader, GenroForm form)
    {
        var ids = reader.Texts("ids", required: true);
        if (reader.Mistakes.Count > 0)
            return GenroRefusal.Invalid(reader.Mistakes);
        string[] once = [.. ids.Distinct(StringComparer.Ordinal)];
        var ends = await store.RemoveAsync(caller.Tenant, once, caller.Actor);

        // Whether another tenant has such a message nobody is told: what is unknown is always in the same list.
        var unknown = new JsonArray([.. once.Where((_, i) => ends[i] == CompatRemoval.NotFound).Select(static id => (JsonNode)id)]);
        var answer = GenroAnswer.Ok(("removed", ends.Count(static end => end == CompatRemoval.Removed)));
        foreach (var list in form.NamesTenants ? new[] { "not_found", "unauthorized" } : ["not_found"])
        {
            var ofThese = list == form.UnknownIn;
            answer.Body![list] =
                form.IsBare && (!ofThese || unknown.Count == 0) ? null
                : ofThese ? unknown
                : new JsonArray();
        }

        return answer;
    }

    public async Task<IResult> CleanupAsync(HttpContext http, GenroReader reader)
    {
        var age = reader.Whole("older_than_seconds") ?? UsualAge;
        if (age < 0)
            reader.Fault("older_than_seconds", "greater_than_equal", "Input should be greater than or equal to 0");
        return reader.Mistakes.Count > 0 ? GenroRefusal.Invalid(reader.Mistakes) : await HideAsync(http, age);
    }

    /// <param name="age">Seconds since it was reported.</param>
    public async Task<IResult> HideAsync(HttpContext http, long age)
    {
        var before = clock.GetUtcNow().ToUnixTimeMilliseconds() - Math.Min(age, UsualAge * 1_000) * 1_000;
        var tenant = Caller.Of(http).Tenant;
        var hidden = await turns.RunAsync(http, () => store.HideReportedAsync(tenant, GenroTenants.Own, before));
        return GenroAnswer.Ok(("removed", hidden));
    }

    private static async Task SendAsync(HttpContext http, Utf8JsonWriter json, ArrayBufferWriter<byte> piece)
    {
        json.Flush();
        await http.Response.BodyWriter.WriteAsync(piece.WrittenMemory, http.RequestAborted);
        piece.ResetWrittenCount();
    }

    // Null: it is none.
    private static bool? Flag(HttpContext http, string name) => http.Request.Query[name] is [.., { } text] ? GenroReader.Word(text) : false;
}
