using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailProxy.Daemon.Api;

/// <summary>What an operation needs to know beside its action and its search.</summary>
/// <param name="Account">The account that messages shall go by.</param>
/// <param name="Pool">The pool that they shall go by.</param>
/// <param name="SendAt">When they shall go, Unix milliseconds.</param>
/// <param name="ExpiresAt">Until when, Unix milliseconds.</param>
internal sealed record OperationDetails(string? Account = null, string? Pool = null, long? SendAt = null, long? ExpiresAt = null)
{
    public static OperationDetails Parse(string json) => JsonSerializer.Deserialize(json, OperationDetailsJson.Default.OperationDetails)!;

    public override string ToString() => JsonSerializer.Serialize(this, OperationDetailsJson.Default.OperationDetails);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(OperationDetails))]
internal sealed partial class OperationDetailsJson : JsonSerializerContext;
