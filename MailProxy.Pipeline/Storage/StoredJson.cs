using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailProxy.Pipeline.Storage;

/// <summary>An account in the audit log; of a secret only whether it is set.</summary>
internal sealed record AuditedAccount(
    AccountConfig Config,
    bool PasswordSet,
    bool DkimKeySet,
    bool Paused,
    bool? PasswordChanged = null,
    bool? DkimKeyChanged = null
)
{
    public string ToJson() => JsonSerializer.Serialize(this, StoredJson.Default.AuditedAccount);
}

/// <summary>A webhook in the audit log.</summary>
internal sealed record AuditedWebhook(
    string Url,
    string Style,
    IReadOnlyList<string> Types,
    bool FinalOnly,
    int MaxBatch,
    bool Paused,
    bool? Disabled,
    bool AuthSet,
    bool? SecretChanged = null,
    bool? AuthChanged = null
)
{
    public string ToJson() => JsonSerializer.Serialize(this, StoredJson.Default.AuditedWebhook);
}

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
[JsonSerializable(typeof(AccountConfig))]
[JsonSerializable(typeof(AuditedAccount))]
[JsonSerializable(typeof(AuditedWebhook))]
[JsonSerializable(typeof(AuditedReplay))]
[JsonSerializable(typeof(AuditedMessage))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class StoredJson : JsonSerializerContext;
