using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Genro;

/// <summary>Writes a message of genro-mail-proxy as this program's own contract has it. Pure; mistakes are told to the reader.</summary>
/// <param name="isStorage">Whether a name is that of a storage of its tenant.</param>
internal sealed class MessageDraft(
    GenroReader message,
    string id,
    string account,
    string from,
    int? usualPriority,
    GenroForm form,
    Func<string, bool> isStorage
)
{
    /// <summary>The header that carries the message's id to whoever gets it.</summary>
    public const string IdHeader = "X-Genro-Mail-ID";

    /// <summary>The member of <c>metadata</c> that keeps how a client wrote what is stored in another form.</summary>
    public const string Kept = "genro";

    private const int MostKept = 4_096;
    private const int UsualPriority = 2;
    private const int LongestBatch = 64;

    // What is added to a message as it was written: names of members, its id as a header.
    private const int Added = 256;

    private readonly ArrayBufferWriter<byte> _bytes = new(JsonMarshal.GetRawUtf8Value(message.Root).Length + Added);
    private Dictionary<string, string>? _kept;

    /// <summary>Whether somebody gets it.</summary>
    public bool HasRecipient { get; private set; }

    /// <summary>Addresses of attachments that are to be in volumes.</summary>
    public IReadOnlyList<string> InVolumes { get; private set; } = [];

    public ReadOnlyMemory<byte> Write()
    {
        using (var json = new Utf8JsonWriter(_bytes, GenroAnswer.Plain))
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id);
            json.WriteString("account"u8, account);
            var headers = new DraftHeaders(message);
            json.WriteString("from"u8, headers.From ?? from);
            HasRecipient = Addresses(json, "to", required: true) | Addresses(json, "cc") | Addresses(json, "bcc");
            if (headers.ReplyTo is { } replyTo)
                Split(json, "reply_to", replyTo);
            else
                Addresses(json, "reply_to");
            if (message.Text("return_path") is { Length: > 0 } path)
                json.WriteString("return_path"u8, path);
            var subject = message.Text("subject", required: form.NeedsSubject, least: form.HasEmptySubjects ? 0 : 1);
            json.WriteString("subject"u8, headers.Subject ?? subject ?? "");
            Body(json);
            headers.Write(json, id, message.Text("message_id"));
            json.WriteNumber("priority"u8, Priority(message.Find("priority")) ?? usualPriority ?? UsualPriority);
            if (message.Whole("deferred_ts") is > 0 and var deferred)
                json.WriteNumber("send_at"u8, deferred);
            if (message.Text("batch_code", most: LongestBatch) is { Length: > 0 } batch)
                Batch(json, batch);
            InVolumes = DraftAttachments.Write(json, message, form, isStorage);
            Metadata(json);
            json.WriteEndObject();
        }

        return _bytes.WrittenMemory;
    }

    /// <summary>A number, clamped to what there is, or one of the words; null: neither.</summary>
    public static int? Priority(JsonElement? written)
    {
        if (written is not { } value)
            return null;
        if (value.ValueKind == JsonValueKind.Number)
            return (int)Math.Clamp(value.GetDouble(), 0, 3);
        if (value.ValueKind != JsonValueKind.String)
            return null;
        var text = value.GetString()!.Trim();
        return int.TryParse(text, out var number) ? Math.Clamp(number, 0, 3) : (int?)WireNames.ParsePriority(text.ToLowerInvariant());
    }

    // One text with commas between addresses, or a list of texts.
    private bool Addresses(Utf8JsonWriter json, string name, bool required = false)
    {
        var value = message.Find(name);
        if (value is null)
        {
            if (required)
                _ = message.Text(name, required: true);
            return false;
        }

        if (value.Value.ValueKind == JsonValueKind.String)
            return Split(json, name, value.Value.GetString()!);
        if (value.Value.ValueKind != JsonValueKind.Array)
        {
            message.Fault(name, "string_type", "Input should be a valid string or a list of strings");
            return false;
        }

        var addresses = new List<string>();
        var index = 0;
        foreach (var item in value.Value.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.String)
                addresses.AddRange(AddressText.Split(item.GetString()!));
            else
                message.Fault(name, index, "string_type", "Input should be a valid string");
            index++;
        }

        if (addresses.Count == 0)
            return false;
        json.WriteStartArray(name);
        foreach (var address in addresses)
            json.WriteStringValue(address);
        json.WriteEndArray();
        return true;
    }

    private bool Split(Utf8JsonWriter json, string name, string text)
    {
        var addresses = AddressText.Split(text);
        if (addresses.Count == 0)
            return false;
        if (addresses.Count == 1)
        {
            json.WriteString(name, addresses[0]);
            return true;
        }

        if (text.Length <= MostKept)
            (_kept ??= [])[name] = text;
        json.WriteStartArray(name);
        foreach (var address in addresses)
            json.WriteStringValue(address);
        json.WriteEndArray();
        return true;
    }

    private void Body(Utf8JsonWriter json)
    {
        var isHtml = message.Text("content_type") is { } type && type.Equals("html", StringComparison.OrdinalIgnoreCase);
        json.WritePropertyName(isHtml ? "html"u8 : "text"u8);
        if (message.Find("body") is { ValueKind: JsonValueKind.String } body)
        {
            // As it was written: it may be long, and the parser has checked it.
            json.WriteRawValue(JsonMarshal.GetRawUtf8Value(body), skipInputValidation: true);
            return;
        }

        _ = message.Text("body", required: form.NeedsBody);
        json.WriteStringValue("");
    }

    // A batch whose name is none here goes by another, and is shown by its own.
    private void Batch(Utf8JsonWriter json, string code)
    {
        var name = GenroBatches.NameOf(code);
        if (name != code)
            (_kept ??= [])["batch_code"] = code;
        json.WriteString("batch"u8, name);
    }

    private void Metadata(Utf8JsonWriter json)
    {
        if (_kept is null)
            return;
        json.WriteStartObject("metadata"u8);
        json.WriteStartObject(Kept);
        foreach (var (name, text) in _kept)
            json.WriteString(name, text);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
