using System.Text;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>A tenant's suppression list: the addresses and domains that its mail does not go to.</summary>
internal sealed class SuppressionRoutes(
    ISuppressionStore store,
    ConfigurationBody bodies,
    SuppressionImport import,
    ReadTurns turns,
    Quotas quotas,
    TimeProvider clock
)
{
    private const string Ndjson = "application/x-ndjson";
    private const string Csv = "text/csv";
    private const int ExportPage = 1_000;

    public void Map(RouteGroupBuilder v1)
    {
        v1.MapPut("/suppressions", (Delegate)Put)
            .WithName("putSuppression")
            .WithSummary("Keep mail from an address or a domain")
            .WithTags("Suppressions")
            .Needs(KeyScopes.Manage)
            .Accepts<SuppressionRequest>("application/json")
            .Produces<SuppressionAnswer>()
            .Produces<SuppressionAnswer>(StatusCodes.Status201Created);
        v1.MapGet("/suppressions", (Delegate)List)
            .WithName("listSuppressions")
            .WithSummary("The suppression list, or its entry for an address or a domain")
            .WithTags("Suppressions")
            .Needs(KeyScopes.Read)
            .Query("address", "domain", "source", "limit", "cursor")
            .Produces<SuppressionList>();
        v1.MapDelete("/suppressions", (Delegate)Delete)
            .WithName("deleteSuppression")
            .WithSummary("Let mail go to an address or a domain again")
            .WithTags("Suppressions")
            .Needs(KeyScopes.Manage)
            .Query("address", "domain")
            .Produces(StatusCodes.Status204NoContent);
        v1.MapPost("/suppressions/import", (Delegate)Import)
            .WithName("importSuppressions")
            .WithSummary("Put many entries, as NDJSON or CSV (address or domain, reason, expiry)")
            .WithTags("Suppressions")
            .Needs(KeyScopes.Manage)
            .Accepts<SuppressionLine>(Ndjson, Csv)
            .Produces<SuppressionImportAnswer>();
        v1.MapGet("/suppressions/export", (Delegate)Export)
            .WithName("exportSuppressions")
            .WithSummary("The whole list as NDJSON, or with ?format=csv as CSV")
            .WithTags("Suppressions")
            .Needs(KeyScopes.Read)
            .Query("format")
            .Produces<SuppressionAnswer>(StatusCodes.Status200OK, Ndjson, Csv);
    }

    private async Task<IResult> Put(HttpContext http)
    {
        using var body = await bodies.ReadAsync(http);
        if (body.Refusal is { } refusal)
            return refusal;
        var caller = Caller.Of(http);
        var members = new MemberReader(body.Root);
        var entry = SuppressionEntries.Bind(members, caller.Tenant, SuppressionSource.Api, clock.GetUtcNow().ToUnixTimeMilliseconds());
        members.Close();
        if (members.Refusal is { } mistakes)
            return mistakes;
        if (!caller.IsAdmin && await store.FindAsync(entry!.Tenant, entry.Target) is null && await RefusalOfNewAsync(caller) is { } over)
            return over;
        if (await store.PutAsync(entry!, caller.Actor) is not { } isNew)
            return ProblemAnswer.NotFound("tenant");
        return TypedResults.Json(
            SuppressionEntries.Shown(entry!),
            ApiJson.Plain.SuppressionAnswer,
            statusCode: isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK
        );
    }

    private async Task<ProblemAnswer?> RefusalOfNewAsync(Caller caller)
    {
        var quota = quotas.Options.MaxSuppressions;
        var there = await store.CountAsync(caller.Tenant, quota);
        return Quotas.Refusal(caller, there, quota, "suppressions", nameof(TenantOptions.MaxSuppressions));
    }

    private async Task<IResult> List(HttpContext http)
    {
        var query = new QueryReader(http);
        var (address, domain) = (query.Text("address"), query.Text("domain"));
        var source = query.Value<SuppressionSource>(
            "source",
            static text => Suppression.Sources.Find(text),
            $"Must be one of: {Suppression.Sources.Listed}."
        );
        var limit = query.Limit();
        var after = query.CursorText();
        string? target = null;
        if ((address ?? domain) is not null && (target = SuppressionEntries.Target(address, domain, out var fault)) is null)
            query.Fault(fault.Member, fault.Detail);
        if (query.Refusal is { } refusal)
            return refusal;

        var tenant = Caller.Of(http).Tenant;
        if (target is not null)
        {
            var found = await store.FindAsync(tenant, target);
            return Page(found is null || (source is not null && found.Source != source) ? [] : [found], null);
        }

        var page = await turns.RunAsync(http, () => store.ListAsync(tenant, source, after ?? "", limit + 1));
        return Page([.. page.Take(limit)], page.Count > limit ? Cursor.Write(page[limit - 1].Target) : null);
    }

    private async Task<IResult> Delete(HttpContext http)
    {
        var query = new QueryReader(http);
        var target = SuppressionEntries.Target(query.Text("address"), query.Text("domain"), out var fault);
        if (target is null && query.Refusal is null)
            query.Fault(fault.Member, fault.Detail);
        if (query.Refusal is { } refusal)
            return refusal;
        var caller = Caller.Of(http);
        return await store.DeleteAsync(caller.Tenant, target!, caller.Actor)
            ? TypedResults.NoContent()
            : ProblemAnswer.NotFound("suppression");
    }

    private async Task<IResult> Import(HttpContext http) =>
        http.Request.GetTypedHeaders().ContentType?.MediaType.Value switch
        {
            Ndjson => await import.RunAsync(http, isCsv: false),
            Csv => await import.RunAsync(http, isCsv: true),
            _ => ProblemAnswer.Of(415, "unsupported_media_type", $"Send {Ndjson} or {Csv}."),
        };

    private IResult Export(HttpContext http)
    {
        var query = new QueryReader(http);
        var isCsv = query.Value<bool>(
            "format",
            static text =>
                text switch
                {
                    "csv" => true,
                    "ndjson" => false,
                    _ => null,
                },
            "Must be ndjson or csv."
        );
        if (query.Refusal is { } refusal)
            return refusal;
        var tenant = Caller.Of(http).Tenant;
        return TypedResults.Stream(
            body => WriteAsync(body, tenant, isCsv is true, http.RequestAborted),
            isCsv is true ? Csv + "; charset=utf-8" : Ndjson
        );
    }

    // A page at a time, each in a snapshot of its own: a reader that is slow holds no snapshot, and little memory.
    private async Task WriteAsync(Stream body, string tenant, bool isCsv, CancellationToken gone)
    {
        if (isCsv)
            await body.WriteAsync("address,reason,expires_at\r\n"u8.ToArray(), gone);
        for (var after = ""; ; )
        {
            var page = await store.ListAsync(tenant, null, after, ExportPage);
            using var lines = new MemoryStream();
            foreach (var entry in page)
            {
                if (isCsv)
                    lines.Write(Encoding.UTF8.GetBytes(SuppressionEntries.Csv(entry)));
                else
                {
                    JsonSerializer.Serialize(lines, SuppressionEntries.Shown(entry), ApiJson.Plain.SuppressionAnswer);
                    lines.WriteByte((byte)'\n');
                }
            }

            await body.WriteAsync(lines.GetBuffer().AsMemory(0, (int)lines.Length), gone);
            if (page.Count < ExportPage)
                return;
            after = page[^1].Target;
        }
    }

    private static IResult Page(IReadOnlyList<Suppression> entries, string? next) =>
        TypedResults.Json(new([.. entries.Select(SuppressionEntries.Shown)], next), ApiJson.Plain.SuppressionList);
}
