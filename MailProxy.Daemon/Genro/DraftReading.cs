using System.Text.Json;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Writes a stored message as its client had submitted it. Pure.</summary>
internal static class DraftReading
{
    private static readonly string[] Lists = ["to", "cc", "bcc", "reply_to"];

    /// <param name="draft">Null: its content was purged.</param>
    /// <param name="kept">How the client wrote what is stored in another form; null: as it is stored.</param>
    public static void Write(
        Utf8JsonWriter json,
        JsonElement? draft,
        JsonElement? kept,
        MessageView view,
        string account,
        string? batch,
        int retries,
        GenroForm form
    )
    {
        json.WriteStartObject();
        json.WriteString("id"u8, view.Key.Id);
        if (form.NamesTenants)
            json.WriteString("tenant_id"u8, view.Key.Tenant);
        json.WriteString("account_id"u8, account);
        if (draft is { } content)
            Content(json, content, kept, form);
        else
            Purged(json, view);
        json.WriteNumber("priority"u8, (int)view.Priority);
        if (view.SendAt is { } sendAt)
            json.WriteNumber("deferred_ts"u8, sendAt / 1000);
        if (batch is not null)
            json.WriteString("batch_code"u8, batch);
        json.WriteNumber("retry_count"u8, retries);
        json.WriteEndObject();
    }

    private static void Content(Utf8JsonWriter json, JsonElement draft, JsonElement? kept, GenroForm form)
    {
        Copy(json, draft, "from", "from");
        foreach (var list in Lists)
        {
            if (form.IsBare && list != "reply_to")
                AsList(json, draft, list);
            else if (!(kept is { } written && Copy(json, written, list, list)))
                Copy(json, draft, list, list);
        }

        Copy(json, draft, "return_path", "return_path");
        Copy(json, draft, "subject", "subject");
        if (Copy(json, draft, "html", "body"))
            json.WriteString("content_type"u8, "html"u8);
        else if (Copy(json, draft, "text", "body"))
            json.WriteString("content_type"u8, "plain"u8);
        Headers(json, draft);
        Attachments(json, draft, form);
    }

    // One address may stand alone.
    private static void AsList(Utf8JsonWriter json, JsonElement draft, string name)
    {
        if (!draft.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String)
        {
            Copy(json, draft, name, name);
            return;
        }

        json.WriteStartArray(name);
        value.WriteTo(json);
        json.WriteEndArray();
    }

    private static void Headers(Utf8JsonWriter json, JsonElement draft)
    {
        if (!draft.TryGetProperty("headers", out var headers) || headers.ValueKind != JsonValueKind.Object)
            return;
        Copy(json, headers, "Message-ID", "message_id");
        var others = headers.EnumerateObject().Where(static header => header.Name is not (MessageDraft.IdHeader or "Message-ID")).ToArray();
        if (others.Length == 0)
            return;
        json.WriteStartObject("headers"u8);
        foreach (var header in others)
            header.WriteTo(json);
        json.WriteEndObject();
    }

    // Without credentials.
    private static void Attachments(Utf8JsonWriter json, JsonElement draft, GenroForm form)
    {
        if (!draft.TryGetProperty("attachments", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            return;
        json.WriteStartArray("attachments"u8);
        foreach (var attachment in list.EnumerateArray())
        {
            if (attachment.ValueKind != JsonValueKind.Object)
                continue;
            json.WriteStartObject();
            Copy(json, attachment, "filename", "filename");
            if (!Copy(json, attachment, "storage_path", "storage_path"))
                Copy(json, attachment, "source", "storage_path");
            if (!form.OwnsVolumes)
            {
                Copy(json, attachment, "content_type", "mime_type");
                Copy(json, attachment, "fetch_mode", "fetch_mode");
                Copy(json, attachment, "cache_md5", "content_md5");
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Purged(Utf8JsonWriter json, MessageView view)
    {
        json.WriteString("from"u8, view.EnvelopeSender);
        json.WriteStartArray("to"u8);
        foreach (var recipient in view.Recipients)
            json.WriteStringValue(recipient.Address);
        json.WriteEndArray();
        if (view.Subject is { } subject)
            json.WriteString("subject"u8, subject);
    }

    private static bool Copy(Utf8JsonWriter json, JsonElement from, string name, string to)
    {
        if (!from.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return false;
        json.WritePropertyName(to);
        value.WriteTo(json);
        return true;
    }
}
