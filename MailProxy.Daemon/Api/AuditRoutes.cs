using System.Text.Json;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary><c>GET /v1/audit</c>: every change and every refused key, one JSON object a line.</summary>
internal sealed class AuditRoutes(IAuditLog log, ReadTurns turns, AnswerMemory memory)
{
    private const string MediaType = "application/x-ndjson";

    public void Map(RouteGroupBuilder v1) =>
        v1.MapGet("/audit", (Delegate)Get)
            .AdminOnly()
            .WithName("exportAudit")
            .WithSummary(
                "The audit log as NDJSON, oldest first; after is the number of the last line read before, order=desc begins with the newest"
            )
            .WithTags("Audit")
            .Query("after", "order", "limit", "cursor")
            .Produces<AuditLine>(StatusCodes.Status200OK, MediaType);

    private async Task<IResult> Get(HttpContext http)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var newestFirst = query.Value<bool>("order", Order, "Must be asc (oldest first) or desc (newest first).") == true;
        var list = newestFirst ? "audit.desc" : "audit";
        var cursor = query.CursorNumber(list);
        var after = query.PlaceNumber("after");
        if (after is not null && (cursor is not null || newestFirst))
            query.Fault("after", "Not together with cursor, nor with order=desc.");
        if (query.Refusal is { } refusal)
            return refusal;

        var found = await turns.RunAsync(
            http,
            () => newestFirst ? log.ReadBackAsync(cursor ?? long.MaxValue, limit + 1) : log.ReadAsync(cursor ?? after ?? 0, limit + 1)
        );
        using var page = new MemoryStream();
        foreach (var entry in found.Take(limit))
        {
            JsonSerializer.Serialize(page, Of(entry), ApiJson.Plain.AuditLine);
            page.WriteByte((byte)'\n');
        }

        // A line is an entry, so that there is more stands in a header.
        if (found.Count > limit)
            http.Response.Headers["X-Next-Cursor"] = Cursor.Write(http, list, found[limit - 1].Number);
        return new BytesAnswer(memory, page.ToArray(), MediaType);
    }

    private static bool? Order(string text) =>
        text switch
        {
            "desc" => true,
            "asc" => false,
            _ => null,
        };

    private static AuditLine Of(AuditEntry entry) =>
        new(entry.Number, Times.Utc(entry.At), entry.Actor, entry.Action, entry.Subject, Json(entry.Before), Json(entry.After));

    private static JsonElement? Json(string? stored) => stored is null ? null : JsonElement.Parse(stored);
}
