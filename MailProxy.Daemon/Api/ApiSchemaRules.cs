using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Search;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>
/// The bounds of requests that are bound by hand, by schema and member: those of the rules that judge them. A test sends what is just
/// beyond each.
/// </summary>
internal static class ApiSchemaRules
{
    private const int LongestName = 255,
        LongestContentType = 255,
        LongestSource = 4_096,
        LongestLink = 900,
        LongestHeaderName = 76;

    private const string VisibleId = @"^[!#-'*-;=?-\[\]-~]+$",
        Hexadecimal = "^[0-9A-Fa-f]*$";

    /// <summary>The rules of one member; null: its type says all.</summary>
    public static void Refine(string schema, string member, OpenApiSchema found, IngestOptions limits)
    {
        switch ($"{schema}.{member}")
        {
            case "MessageRequest.id":
                Text(found, 128, IdSyntax.MessagePattern);
                break;
            case "MessageRequest.account" or "MessageRequest.pool" or "MessageRequest.batch":
            case "RerouteRequest.account" or "RerouteRequest.pool" or "ActionRequest.account" or "ActionRequest.pool":
                Text(found, 63, IdSyntax.ObjectPattern);
                break;
            case "MessageRequest.subject":
                found.MaxLength = limits.MaxSubjectLength;
                break;
            case "MessageRequest.headers":
                found.PropertyNames = new OpenApiSchema { MinLength = 1, MaxLength = LongestHeaderName };
                break;
            case "MessageRequest.metadata":
                found.AdditionalProperties = new OpenApiSchema();
                break;
            case "MessageRequest.attachments":
                found.MaxItems = limits.MaxAttachments;
                break;
            case "MessageRequest.alternatives":
                found.MaxItems = limits.MaxAlternatives;
                break;
            case "MessageRequest.tags":
                found.MaxItems = limits.MaxTags;
                found.Items = new OpenApiSchema
                {
                    Type = JsonSchemaType.String,
                    MinLength = 1,
                    MaxLength = limits.MaxTagLength,
                };
                break;
            case "BatchRequest.messages":
                (found.MinItems, found.MaxItems) = (1, limits.MaxMessages);
                break;
            case "AttachmentRequest.filename":
                (found.MinLength, found.MaxLength) = (1, LongestName);
                break;
            case "AttachmentRequest.content_type" or "AlternativeRequest.content_type":
                (found.MinLength, found.MaxLength) = (1, LongestContentType);
                break;
            case "AttachmentRequest.inline_id":
                Text(found, LongestName, VisibleId);
                break;
            case "AttachmentRequest.source":
                (found.MinLength, found.MaxLength) = (1, LongestSource);
                break;
            case "AttachmentRequest.sha256":
                Digits(found, 64);
                break;
            case "AttachmentRequest.content_md5" or "AttachmentRequest.cache_md5":
                Digits(found, 32);
                break;
            case "AttachmentRequest.size":
                found.Minimum = "0";
                break;
            case "AttachmentAuthRequest.user"
            or "AttachmentAuthRequest.password"
            or "AttachmentAuthRequest.bearer"
            or "AttachmentAuthRequest.value":
                found.MaxLength = Credentials.MaxLength;
                break;
            case "UnsubscribeRequest.url":
                found.MaxLength = LongestLink;
                break;
            case "ActionRequest.q":
                found.MaxLength = MessageSearch.MaxLength;
                break;
            case "ActionRequest.token":
                found.MaxLength = Operations.ActionToken.MaxLength;
                break;
            case "DkimKeyRequest.domain":
                (found.MinLength, found.MaxLength) = (1, 253);
                break;
            case "DkimKeyRequest.selector":
                found.MaxLength = DkimKeyFields.LongestSelector;
                break;
            case "SuppressionRequest.address" or "SuppressionLine.address":
                found.MaxLength = SuppressionEntries.LongestAddress;
                break;
            case "SuppressionRequest.domain" or "SuppressionLine.domain":
                found.MaxLength = SuppressionEntries.LongestDomain;
                break;
            case "SuppressionRequest.reason":
                (found.MinLength, found.MaxLength) = (1, SuppressionEntries.LongestReason);
                break;
            case "SuppressionLine.reason":
                found.MaxLength = SuppressionEntries.LongestReason;
                break;
            case "BatchChangeRequest.weight":
                (found.Minimum, found.Maximum) = ("1", $"{FlowWeights.Most}");
                break;
            case "VolumeTestRequest.path":
                found.MaxLength = VolumeRoutes.LongestPath;
                break;
        }
    }

    private static void Text(OpenApiSchema found, int longest, string pattern) =>
        (found.MinLength, found.MaxLength, found.Pattern) = (1, longest, pattern);

    private static void Digits(OpenApiSchema found, int count) =>
        (found.MinLength, found.MaxLength, found.Pattern) = (count, count, Hexadecimal);
}
