using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailProxy.Daemon.Api;

/// <summary>Source-generated JSON for what the edge answers, and for what its document describes.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ProblemAnswerBody))]
[JsonSerializable(typeof(Receipt))]
[JsonSerializable(typeof(ReceiptItem))]
[JsonSerializable(typeof(BatchReceipt))]
[JsonSerializable(typeof(MessageAnswer))]
[JsonSerializable(typeof(MessageList))]
[JsonSerializable(typeof(EventList))]
[JsonSerializable(typeof(AccountAnswer))]
[JsonSerializable(typeof(AccountList))]
[JsonSerializable(typeof(AccountTestAnswer))]
[JsonSerializable(typeof(WebhookAnswer))]
[JsonSerializable(typeof(WebhookList))]
[JsonSerializable(typeof(VolumeAnswer))]
[JsonSerializable(typeof(VolumeList))]
[JsonSerializable(typeof(VolumeTestAnswer))]
[JsonSerializable(typeof(KeyAnswer))]
[JsonSerializable(typeof(KeyList))]
[JsonSerializable(typeof(KeyRequest))]
[JsonSerializable(typeof(AuditLine))]
[JsonSerializable(typeof(RefusedKeyDetail))]
[JsonSerializable(typeof(BatchAnswer))]
[JsonSerializable(typeof(TenantAnswer))]
[JsonSerializable(typeof(TenantList))]
[JsonSerializable(typeof(TenantRequest))]
[JsonSerializable(typeof(DispatcherAnswer))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(SandboxList))]
[JsonSerializable(typeof(MessageRequest))]
[JsonSerializable(typeof(BatchChangeRequest))]
[JsonSerializable(typeof(BatchList))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(ErasureAnswer))]
[JsonSerializable(typeof(RescheduleRequest))]
[JsonSerializable(typeof(AccountRequest))]
[JsonSerializable(typeof(WebhookRequest))]
[JsonSerializable(typeof(WebhookReplayRequest))]
[JsonSerializable(typeof(WebhookTestAnswer))]
[JsonSerializable(typeof(VolumeRequest))]
[JsonSerializable(typeof(VolumeTestRequest))]
[JsonSerializable(typeof(string))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    public static byte[] Bytes(ProblemAnswerBody body) => JsonSerializer.SerializeToUtf8Bytes(body, Default.ProblemAnswerBody);
}
