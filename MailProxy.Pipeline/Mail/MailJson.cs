using System.Text.Json.Serialization;

namespace MailProxy.Pipeline.Mail;

/// <summary>Source-generated JSON serialization of drafts: snake_case, duplicate members refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = false
)]
[JsonSerializable(typeof(MailDraft))]
public sealed partial class MailJson : JsonSerializerContext;
