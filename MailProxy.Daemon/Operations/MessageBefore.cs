using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailProxy.Daemon.Operations;

/// <summary>How a message was before an operation.</summary>
/// <param name="Account">The number of its account.</param>
/// <param name="Pool">The number of the pool that it named.</param>
/// <param name="SendAt">When it was to go, Unix milliseconds.</param>
/// <param name="ExpiresAt">Until when, Unix milliseconds.</param>
internal sealed record MessageBefore(int? Account = null, int? Pool = null, long? SendAt = null, long? ExpiresAt = null)
{
    public static MessageBefore Parse(string json) => JsonSerializer.Deserialize(json, OperationJson.Default.MessageBefore)!;

    public override string ToString() => JsonSerializer.Serialize(this, OperationJson.Default.MessageBefore);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(MessageBefore))]
[JsonSerializable(typeof(ActionPreview))]
internal sealed partial class OperationJson : JsonSerializerContext;
