using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>A replay in the audit log; times in Unix milliseconds.</summary>
internal sealed record AuditedReplay(long From, long To)
{
    public string ToJson() => JsonSerializer.Serialize(this, StoredJson.Default.AuditedReplay);
}

/// <summary>A message that a person changed, in the audit log; times in Unix milliseconds.</summary>
internal sealed record AuditedMessage(string Status, long? SendAt, long ExpiresAt)
{
    public string ToJson() => JsonSerializer.Serialize(this, StoredJson.Default.AuditedMessage);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(AuditedReplay))]
[JsonSerializable(typeof(AuditedMessage))]
[JsonSerializable(typeof(AttemptDetail))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class StoredJson : JsonSerializerContext
{
    // Not an initializer: the generated part's own may come later.
    private static StoredJson? _plain;

    /// <summary>Escapes only what JSON asks for, so that a text takes the room that it was given.</summary>
    public static StoredJson Plain =>
        _plain ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
