using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>One webhook request: the same events, id and bytes on every try.</summary>
/// <param name="cut">How the batch was cut; null when the body is a single event.</param>
internal sealed class OutboxRequest(IReadOnlyList<MailEvent> events, BatchCut? cut)
{
    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    private byte[]? _body;

    public IReadOnlyList<MailEvent> Events { get; } = events;

    public BatchCut? Cut { get; } = cut;

    public bool InFlight { get; set; }

    /// <summary>The value of <c>webhook-id</c>.</summary>
    public string Id => Cut?.Id ?? Events[0].Id;

    public byte[] Body => _body ??= Cut is null ? EventJson.ToUtf8(Events[0]) : Batch();

    private byte[] Batch()
    {
        var buffer = new ArrayBufferWriter<byte>(512 * Events.Count);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, "batch"u8);
            // Not the time of the attempt: retries must have the same bytes.
            json.WriteString("timestamp"u8, Timestamps.Write(Events[^1].At));
            json.WriteStartObject("data"u8);
            json.WriteStartArray("events"u8);
            foreach (var mailEvent in Events)
                EventJson.Write(json, mailEvent);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
