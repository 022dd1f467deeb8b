using System.Buffers;
using System.Text.Json;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Api;

/// <summary>Events as an answer. They are stored as JSON and copied as such.</summary>
internal sealed class EventPage(AnswerMemory memory, IReadOnlyList<MailEvent> events, string? nextCursor) : IResult
{
    public async Task ExecuteAsync(HttpContext http)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteStartArray("data"u8);
            foreach (var one in events)
                EventJson.Write(json, one);
            json.WriteEndArray();
            json.WriteString("next_cursor"u8, nextCursor);
            json.WriteEndObject();
        }

        await memory.WriteAsync(http, body.WrittenMemory, "application/json; charset=utf-8");
    }
}
