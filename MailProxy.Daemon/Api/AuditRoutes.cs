using System.Text.Json;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary><c>GET /v1/audit</c>: every change and every refused key, oldest first, one JSON object a line.</summary>
internal sealed class AuditRoutes(IAuditLog log, ReadTurns turns, AnswerMemory memory)
{
    private const string MediaType = "application/x-ndjson";

    public void Map(RouteGroupBuilder v1) =>
        v1.MapGet("/audit", (Delegate)Get)
            .AdminOnly()
            .WithName("exportAudit")
            .WithSummary("The audit log as NDJSON, oldest first; after is the number of the last line read before")
            .WithTags("Audit")
            .Query("after", "limit", "cursor")
            .Produces<AuditLine>(StatusCodes.Status200OK, MediaType);

    private async Task<IResult> Get(HttpContext http)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var cursor = query.CursorNumber("audit");
        var after = query.PlaceNumber("after");
        if (cursor is not null && after is not null)
            query.Fault("after", "Not together with cursor.");
        if (query.Refusal is { } refusal)
            return refusal;

        var found = await turns.RunAsync(http, () => log.ReadAsync(cursor ?? after ?? 0, limit + 1));
        using var page = new MemoryStream();
        foreach (var entry in found.Take(limit))
        {
            JsonSerializer.Serialize(page, Of(entry), ApiJson.Plain.AuditLine);
            page.WriteByte((byte)'\n');
        }

        // A line is an entry, so that there is more stands in a header.
        if (found.Count > limit)
            http.Response.Headers["X-Next-Cursor"] = Cursor.Write(http, "audit", found[limit - 1].Number);
        return new BytesAnswer(memory, page.ToArray(), MediaType);
    }

    private static AuditLine Of(AuditEntry entry) =>
        new(entry.Number, Times.Utc(entry.At), entry.Actor, entry.Action, entry.Subject, Json(entry.Before), Json(entry.After));

    private static JsonElement? Json(string? stored) => stored is null ? null : JsonElement.Parse(stored);
}
