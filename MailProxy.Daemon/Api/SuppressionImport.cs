using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Reads an import line by line and puts it into the store in small commits. A line that is wrong is told and left out; what was put stays
/// when the import ends in the middle: the same import again gives the same list.
/// </summary>
internal sealed class SuppressionImport(
    ISuppressionStore store,
    RequestMemory memory,
    KeyLife keys,
    Readiness readiness,
    Quotas quotas,
    TimeProvider clock
)
{
    private const int Commit = 500;

    // It is read in pieces: ten million entries and more.
    private const long MostBytes = 1L << 30;

    public async Task<IResult> RunAsync(HttpContext http, bool isCsv)
    {
        var caller = Caller.Of(http);
        var lines = new SuppressionLines(caller.Tenant, isCsv);
        var put = new Tally();
        try
        {
            if (await ReadAsync(http, lines, put) is { } refusal)
                return refusal;
        }
        finally
        {
            // Also when the client goes in the middle.
            if (put.Added + put.Replaced > 0)
                await store.ImportedAsync(caller.Tenant, put.Added, put.Replaced, caller.Actor);
        }

        return TypedResults.Json(new(put.Added, put.Replaced, lines.Refused, lines.Errors), ApiJson.Plain.SuppressionImportAnswer);
    }

    private async Task<ProblemAnswer?> ReadAsync(HttpContext http, SuppressionLines lines, Tally put)
    {
        var body = memory.NewBody(http);
        var buffer = new byte[2 * SuppressionLines.Longest];
        var (filled, ended, skipping) = (0, false, false);
        long total = 0;
        while (!ended || filled > 0)
        {
            var end = buffer.AsSpan(0, filled).IndexOf((byte)'\n');
            if (end < 0 && !ended && filled < buffer.Length)
            {
                var read = await body.ReadAsync(buffer.AsMemory(filled));
                ended = read == 0;
                filled += read;
                total += read;
                if (total > MostBytes)
                    return Refusals.TooLarge(MostBytes);
                continue;
            }

            var length = end < 0 ? filled : end;
            var isWhole = end >= 0 || ended;
            if (!skipping)
                lines.Take(buffer.AsSpan(0, length), isWhole, clock.GetUtcNow().ToUnixTimeMilliseconds());
            skipping = !isWhole;
            var used = Math.Min(filled, length + (end < 0 ? 0 : 1));
            buffer.AsSpan(used, filled - used).CopyTo(buffer);
            filled -= used;
            if (lines.Entries.Count >= Commit && await PutAsync(http, lines, put) is { } refusal)
                return refusal;
        }

        return await PutAsync(http, lines, put);
    }

    // A long import may outlast its key, the disk's space and its tenant.
    private async Task<ProblemAnswer?> PutAsync(HttpContext http, SuppressionLines lines, Tally put)
    {
        var caller = Caller.Of(http);
        if (lines.Entries.Count == 0)
            return null;
        if (keys.Refusal(http) is { } gone)
            return gone;
        if (readiness.Disk() is [var trouble, ..])
            return trouble.Code == "disk_low" ? Refusals.DiskLow : Refusals.StoreUnavailable;
        if (await OverQuotaAsync(caller, lines, put) is { } over)
            return over;
        if (await store.ImportAsync([.. lines.Entries]) is not { } added)
            return ProblemAnswer.NotFound("tenant");
        put.Added += added;
        put.Replaced += lines.Entries.Count - added;
        lines.Clear();
        return null;
    }

    private async Task<ProblemAnswer?> OverQuotaAsync(Caller caller, SuppressionLines lines, Tally put)
    {
        var quota = quotas.Options.MaxSuppressions;
        if (caller.IsAdmin)
            return null;
        put.Before ??= await store.CountAsync(caller.Tenant, quota);
        var there = put.Before.Value + put.Added;
        if (there + lines.Entries.Count <= quota)
            return null;
        var added = 0;
        foreach (var entry in lines.Entries)
            added += await store.FindAsync(entry.Tenant, entry.Target) is null ? 1 : 0;
        return there + added <= quota
            ? null
            : Quotas.Refusal(caller, Math.Max(there, quota), quota, "suppressions", nameof(TenantOptions.MaxSuppressions));
    }

    private sealed class Tally
    {
        /// <summary>Entries that there were before; null: nobody has asked.</summary>
        public int? Before { get; set; }

        public int Added { get; set; }
        public int Replaced { get; set; }
    }
}
