using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Reads an import line by line and puts it into the store in small commits. A line that is wrong is told and left out; what was put stays
/// when the client goes in the middle: the same import again gives the same list.
/// </summary>
internal sealed class SuppressionImport(ISuppressionStore store, RequestMemory memory, TimeProvider clock)
{
    private const int Commit = 500;
    private const int LongestLine = 4_096;
    private const int MostTold = 100;

    // It is read in pieces: ten million entries and more.
    private const long MostBytes = 1L << 30;

    public async Task<IResult> RunAsync(HttpContext http, bool isCsv)
    {
        var caller = Caller.Of(http);
        var (added, replaced, refused, line) = (0, 0, 0, 0L);
        var errors = new List<SuppressionLineError>();
        var entries = new Dictionary<string, Suppression>(StringComparer.Ordinal);
        var body = memory.NewBody(http);
        var buffer = new byte[2 * LongestLine];
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
            {
                line++;
                Take(buffer.AsMemory(0, length), isWhole && length <= LongestLine);
            }

            skipping = !isWhole;
            var used = Math.Min(filled, length + (end < 0 ? 0 : 1));
            buffer.AsSpan(used, filled - used).CopyTo(buffer);
            filled -= used;
            if (entries.Count >= Commit)
                await PutAsync();
        }

        await PutAsync();
        await store.ImportedAsync(caller.Tenant, added, replaced, caller.Actor);
        return TypedResults.Json(new(added, replaced, refused, errors), ApiJson.Plain.SuppressionImportAnswer);

        async Task PutAsync()
        {
            if (entries.Count == 0)
                return;
            var created = await store.ImportAsync([.. entries.Values]);
            added += created;
            replaced += entries.Count - created;
            entries.Clear();
        }

        void Take(ReadOnlyMemory<byte> octets, bool fits)
        {
            if (!fits)
            {
                Refuse(new("", "too_long", $"A line has at most {LongestLine} bytes."));
                return;
            }

            var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            var text = octets.Span.TrimEnd((byte)'\r');
            if (line == 1 && text.StartsWith(Encoding.UTF8.Preamble))
                text = text[Encoding.UTF8.Preamble.Length..];
            if (text.IsEmpty)
                return;
            var (entry, fault) = isCsv
                ? IsHead(text)
                    ? default
                    : SuppressionEntries.OfCsv(Encoding.UTF8.GetString(text), caller.Tenant, now)
                : SuppressionEntries.OfJson(text.ToArray(), caller.Tenant, now);
            if (entry is not null)
                entries[entry.Target] = entry;
            else if (fault is { } wrong)
                Refuse(wrong);
        }

        bool IsHead(ReadOnlySpan<byte> text) => line == 1 && (text.StartsWith("address,"u8) || text.SequenceEqual("address"u8));

        void Refuse(FieldError fault)
        {
            refused++;
            if (errors.Count < MostTold)
                errors.Add(new(line, fault.Code, fault.Pointer.Length > 0 ? $"{fault.Pointer}: {fault.Detail}" : fault.Detail));
        }
    }
}
