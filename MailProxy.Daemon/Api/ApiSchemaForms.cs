using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>
/// The forms in which requests may write what they are bound to by hand. They stand where they are used: generators of clients make
/// unions of those, and not of schemas with names.
/// </summary>
internal static class ApiSchemaForms
{
    /// <summary>The schema of an address that is an object.</summary>
    public const string Address = "Address";

    private const string HowAddresses =
        "An address (a@x), an address with a name (Ann <a@x>), an object with email and name, or a list of those.";

    // A name, the longest address (RFC 5321), and what stands around it.
    private const int LongestName = 998,
        LongestText = LongestName + 254 + 4;

    public static readonly JsonNode[] Priorities = [.. Enum.GetValues<Priority>().Select(p => (JsonNode)p.Name())];

    /// <summary>An instant.</summary>
    public static OpenApiSchema Time(string? sentence, bool mayBeNull) =>
        new()
        {
            Description =
                sentence?.Replace("RFC 3339 text or Unix seconds", "RFC 3339 with an offset, or Unix seconds", StringComparison.Ordinal)
                ?? "RFC 3339 with an offset, or Unix seconds.",
            OneOf =
            [
                new OpenApiSchema { Type = JsonSchemaType.String | Null(mayBeNull), Format = "date-time" },
                new OpenApiSchema { Type = JsonSchemaType.Number },
            ],
        };

    /// <summary>A priority by its name or its number.</summary>
    public static OpenApiSchema Priority(string? sentence) =>
        new()
        {
            Description = sentence,
            OneOf =
            [
                new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null, Enum = [.. Priorities, JsonNullSentinel.JsonNull] },
                new OpenApiSchema
                {
                    Type = JsonSchemaType.Integer,
                    Minimum = "0",
                    Maximum = $"{Priorities.Length - 1}",
                },
            ],
        };

    /// <summary>Addresses as a message names them.</summary>
    /// <param name="most">Items of a list; null: as many as a message may have recipients, each counted once.</param>
    public static OpenApiSchema Addresses(OpenApiDocument document, int? most) =>
        new()
        {
            Description = HowAddresses,
            OneOf =
            [
                .. One(document, mayBeNull: true),
                new OpenApiSchema
                {
                    Type = JsonSchemaType.Array,
                    Items = new OpenApiSchema { OneOf = [.. One(document, mayBeNull: false)] },
                    MaxItems = most,
                },
            ],
        };

    public static OpenApiSchema AddressObject() =>
        new()
        {
            Type = JsonSchemaType.Object,
            Description = "An address and the name that is shown beside it.",
            Required = new HashSet<string> { "email" },
            AdditionalPropertiesAllowed = false,
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["email"] = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1 },
                ["name"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null, MaxLength = LongestName },
            },
        };

    private static IEnumerable<IOpenApiSchema> One(OpenApiDocument document, bool mayBeNull)
    {
        yield return new OpenApiSchema
        {
            Type = JsonSchemaType.String | Null(mayBeNull),
            MinLength = 1,
            MaxLength = LongestText,
        };
        yield return new OpenApiSchemaReference(Address, document);
    }

    private static JsonSchemaType Null(bool mayBeNull) => mayBeNull ? JsonSchemaType.Null : 0;
}
