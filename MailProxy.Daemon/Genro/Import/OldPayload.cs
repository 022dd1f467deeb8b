using System.Buffers;
using System.Text.Json;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>
/// A stored message with what its row says instead of what its client said once: id, account, priority, batch, when it is due. Pure.
/// </summary>
internal static class OldPayload
{
    private static readonly HashSet<string> OfRow = new(StringComparer.Ordinal)
    {
        "id",
        "tenant_id",
        "account_id",
        "priority",
        "deferred_ts",
        "batch_code",
        "attachments",
    };

    // Whatever else stands there was added by the old service.
    private static readonly HashSet<string> OfAttachment = new(StringComparer.Ordinal)
    {
        "filename",
        "storage_path",
        "mime_type",
        "fetch_mode",
        "content_md5",
        "auth",
    };

    public static ReadOnlyMemory<byte> With(JsonElement payload, OldColumns row)
    {
        var bytes = new ArrayBufferWriter<byte>(1_024);
        using (var json = new Utf8JsonWriter(bytes, GenroAnswer.Plain))
        {
            json.WriteStartObject();
            json.WriteString("id"u8, row.Id);
            json.WriteString("tenant_id"u8, row.Tenant);
            json.WriteString("account_id"u8, row.Account);
            foreach (var member in payload.EnumerateObject())
            {
                if (!OfRow.Contains(member.Name))
                    member.WriteTo(json);
            }

            if (row.Priority is { } priority)
                json.WriteNumber("priority"u8, priority);
            else if (payload.TryGetProperty("priority", out var written))
            {
                json.WritePropertyName("priority"u8);
                written.WriteTo(json);
            }

            if (row.Due is > 0 and var due)
                json.WriteNumber("deferred_ts"u8, due);
            if (row.Batch is { Length: > 0 } batch)
                json.WriteString("batch_code"u8, batch);
            if (payload.TryGetProperty("attachments", out var list) && list.ValueKind != JsonValueKind.Null)
                Attachments(json, list);
            json.WriteEndObject();
        }

        return bytes.WrittenMemory;
    }

    private static void Attachments(Utf8JsonWriter json, JsonElement list)
    {
        json.WritePropertyName("attachments"u8);
        if (list.ValueKind != JsonValueKind.Array)
        {
            list.WriteTo(json);
            return;
        }

        json.WriteStartArray();
        foreach (var attachment in list.EnumerateArray())
        {
            if (attachment.ValueKind != JsonValueKind.Object)
            {
                attachment.WriteTo(json);
                continue;
            }

            json.WriteStartObject();
            foreach (var member in attachment.EnumerateObject())
            {
                if (OfAttachment.Contains(member.Name))
                    member.WriteTo(json);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}

/// <summary>What the row of a message says.</summary>
/// <param name="Due">Unix seconds; null: at once.</param>
internal readonly record struct OldColumns(string Tenant, string Id, string Account, long? Priority, long? Due, string? Batch);
