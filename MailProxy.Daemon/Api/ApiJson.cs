using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Daemon.Api;

/// <summary>Source-generated JSON for what the edge answers, and for what its document describes.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(ProblemAnswerBody))]
[JsonSerializable(typeof(Receipt))]
[JsonSerializable(typeof(ReceiptItem))]
[JsonSerializable(typeof(BatchReceipt))]
[JsonSerializable(typeof(MessageAnswer))]
[JsonSerializable(typeof(MessageList))]
[JsonSerializable(typeof(AttemptList))]
[JsonSerializable(typeof(EventList))]
[JsonSerializable(typeof(AccountTestAnswer))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(Shown<SmtpAccount>))]
[JsonSerializable(typeof(Asked<SmtpAccount>))]
[JsonSerializable(typeof(Listed<SmtpAccount>))]
[JsonSerializable(typeof(Shown<Pool>))]
[JsonSerializable(typeof(Asked<Pool>))]
[JsonSerializable(typeof(Listed<Pool>))]
[JsonSerializable(typeof(Shown<Volume>))]
[JsonSerializable(typeof(Asked<Volume>))]
[JsonSerializable(typeof(Listed<Volume>))]
[JsonSerializable(typeof(Shown<WebhookEndpoint>))]
[JsonSerializable(typeof(Asked<WebhookEndpoint>))]
[JsonSerializable(typeof(Listed<WebhookEndpoint>))]
[JsonSerializable(typeof(Shown<Tenant>))]
[JsonSerializable(typeof(Asked<Tenant>))]
[JsonSerializable(typeof(Listed<Tenant>))]
[JsonSerializable(typeof(Shown<TenantKey>))]
[JsonSerializable(typeof(Asked<TenantKey>))]
[JsonSerializable(typeof(Listed<TenantKey>))]
[JsonSerializable(typeof(VolumeTestAnswer))]
[JsonSerializable(typeof(AuditLine))]
[JsonSerializable(typeof(RefusedKeyDetail))]
[JsonSerializable(typeof(SuppressedKeysDetail))]
[JsonSerializable(typeof(BatchAnswer))]
[JsonSerializable(typeof(DispatcherAnswer))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(RootAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(NodeList))]
[JsonSerializable(typeof(FlowAnswer))]
[JsonSerializable(typeof(SelfAnswer))]
[JsonSerializable(typeof(RequestList))]
[JsonSerializable(typeof(SandboxList))]
[JsonSerializable(typeof(MessageRequest))]
[JsonSerializable(typeof(BatchChangeRequest))]
[JsonSerializable(typeof(BatchList))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(ErasureAnswer))]
[JsonSerializable(typeof(RescheduleRequest))]
[JsonSerializable(typeof(WebhookReplayRequest))]
[JsonSerializable(typeof(WebhookTestAnswer))]
[JsonSerializable(typeof(WebhookReplyList))]
[JsonSerializable(typeof(VolumeTestRequest))]
[JsonSerializable(typeof(DkimKeyAnswer))]
[JsonSerializable(typeof(DkimKeyList))]
[JsonSerializable(typeof(DkimKeyRequest))]
[JsonSerializable(typeof(SuppressionRequest))]
[JsonSerializable(typeof(SuppressionLine))]
[JsonSerializable(typeof(SuppressionAnswer))]
[JsonSerializable(typeof(SuppressionList))]
[JsonSerializable(typeof(SuppressionImportAnswer))]
[JsonSerializable(typeof(ExplainAnswer))]
[JsonSerializable(typeof(AccountExplainAnswer))]
[JsonSerializable(typeof(PoolExplainAnswer))]
[JsonSerializable(typeof(RerouteRequest))]
[JsonSerializable(typeof(RerouteAnswer))]
[JsonSerializable(typeof(WhereList))]
[JsonSerializable(typeof(ActionRequest))]
[JsonSerializable(typeof(PreviewAnswer))]
[JsonSerializable(typeof(OperationAnswer))]
[JsonSerializable(typeof(OperationList))]
[JsonSerializable(typeof(string))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    // Not an initializer: the generated part's own may come later.
    private static ApiJson? _plain;

    // Deeper than anything that was ever taken in: metadata of 62 levels was, and a list adds some.
    private const int MaxDepth = 128;

    /// <summary>Escapes only what JSON asks for: answers are never part of a page, and a secret is copied as it stands.</summary>
    public static ApiJson Plain =>
        _plain ??= new(
            new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth }
        );

    public static byte[] Bytes(ProblemAnswerBody body) => JsonSerializer.SerializeToUtf8Bytes(body, Plain.ProblemAnswerBody);

    /// <summary>Writes a whole JSON answer with the end of its line, so that a shell's next prompt has one of its own.</summary>
    public static ValueTask<System.IO.Pipelines.FlushResult> WriteLineAsync(HttpResponse response, ReadOnlySpan<byte> json)
    {
        response.ContentLength = json.Length + 1;
        if (HttpMethods.IsHead(response.HttpContext.Request.Method))
            return ValueTask.FromResult<System.IO.Pipelines.FlushResult>(default);
        response.BodyWriter.Write(json);
        response.BodyWriter.Write("\n"u8);
        return response.BodyWriter.FlushAsync();
    }
}
