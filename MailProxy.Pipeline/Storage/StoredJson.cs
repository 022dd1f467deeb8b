using System.Text.Json;
using System.Text.Json.Serialization;

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
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class StoredJson : JsonSerializerContext;
