using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Daemon.Genro;

/// <summary>A whole answer. What is null in it was left out when it was made, where its version leaves it out.</summary>
/// <param name="Body">Null: <c>null</c>.</param>
internal sealed record GenroAnswer(JsonNode? Body, int Status = StatusCodes.Status200OK) : IResult
{
    internal static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary><c>{"ok": true}</c> and what else is given and not null.</summary>
    public static GenroAnswer Ok(params (string Name, JsonNode? Value)[] members)
    {
        var body = new JsonObject { ["ok"] = true };
        foreach (var (name, value) in members)
        {
            if (value is not null)
                body[name] = value;
        }

        return new(body);
    }

    public async Task ExecuteAsync(HttpContext http)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Plain))
        {
            if (Body is null)
                json.WriteNullValue();
            else
                Body.WriteTo(json);
        }

        http.Response.StatusCode = Status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), http.RequestAborted);
    }
}
