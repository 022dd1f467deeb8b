using System.Globalization;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Configuration.Keys;
using MailProxy.Pipeline.Configuration.Pools;
using MailProxy.Pipeline.Configuration.Tenants;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Configuration.Webhooks;
using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>The schemas of what is configured, made from the lists of fields: as strict as the fields are.</summary>
internal static class ConfigurationSchemas
{
    private const string OfAnswers = "Only answers have it; let through in a request, so that what was read can be put back.";

    private static readonly (string Type, IFieldList Fields)[] Nouns =
    [
        (nameof(SmtpAccount), AccountFields.Noun.Fields),
        (nameof(Pool), PoolFields.Noun.Fields),
        (nameof(Volume), VolumeFields.Noun.Fields),
        (nameof(WebhookEndpoint), WebhookFields.Noun.Fields),
        (nameof(Tenant), TenantFields.Noun.Fields),
        (nameof(TenantKey), KeyFields.Noun.Fields),
    ];

    /// <summary>The name of a type that stands in the document for a resource; null: it is none.</summary>
    public static string? NameOf(string made)
    {
        foreach (var (type, fields) in Nouns)
        {
            if (made == $"{nameof(Shown<>)}Of{type}")
                return fields.Name;
            if (made == $"{nameof(Asked<>)}Of{type}")
                return fields.Name + "Request";
            if (made == $"{nameof(Listed<>)}Of{type}")
                return fields.Name + "List";
        }

        return null;
    }

    /// <summary>Puts them into the document, instead of what stands for them.</summary>
    public static void AddTo(OpenApiDocument document)
    {
        foreach (var (_, fields) in Nouns)
            Add(document, fields, isAsked: true);
    }

    private static void Add(OpenApiDocument document, IFieldList fields, bool isAsked)
    {
        var schemas = document.Components!.Schemas!;
        schemas[fields.Name] = Schema(document, fields, isRequest: false);
        if (isAsked)
            schemas[fields.Name + "Request"] = Schema(document, fields, isRequest: true);
        foreach (var member in fields.Members)
        {
            if ((member.Shape.Object ?? member.Shape.Values?.Object ?? member.Shape.Items?.Object) is { } inner)
                Add(document, inner, isAsked && member.Use == FieldUse.Everywhere);
        }
    }

    private static OpenApiSchema Schema(OpenApiDocument document, IFieldList fields, bool isRequest)
    {
        var schema = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = isRequest ? fields.Says : fields.Shown,
            Properties = new Dictionary<string, IOpenApiSchema>(),
            Required = new HashSet<string>(),
        };
        var members = fields.Members.Where(m => m.Use == FieldUse.Everywhere || (m.Use == FieldUse.Answers && !isRequest));
        foreach (var member in isRequest ? members.OrderBy(static m => m.Order) : members)
        {
            var name = member.Secret && !isRequest ? member.Name + "_set" : member.Name;
            var always = !fields.Loose && (isRequest ? member.Required : member.Always);
            if (always)
                schema.Required.Add(name);
            schema.Properties.TryAdd(name, Property(document, member, isRequest, always));
        }

        if (isRequest)
            Close(schema, fields);
        return schema;
    }

    // What a request may have beside its own members: those that only answers have.
    private static void Close(OpenApiSchema schema, IFieldList fields)
    {
        schema.AdditionalPropertiesAllowed = false;
        foreach (var member in fields.Members)
        {
            var name =
                member.Secret ? member.Name + "_set"
                : member is { Use: FieldUse.Answers, Unasked: false } ? member.Name
                : null;
            if (name is not null)
                schema.Properties!.TryAdd(name, new OpenApiSchema { ReadOnly = true, Description = OfAnswers });
        }

        if (schema.Properties!.ContainsKey("id") && fields.Members.Any(static m => m is { Name: "id", Use: FieldUse.Answers }))
            schema.Properties["id"] = OrNull(Simple(Shape.ObjectId, isRequest: true), "May be repeated: it must be the id in the path.");
    }

    private static OpenApiSchema OrNull(OpenApiSchema schema, string sentence)
    {
        schema.Type |= JsonSchemaType.Null;
        schema.Description = sentence;
        return schema;
    }

    private static IOpenApiSchema Property(OpenApiDocument document, Member member, bool isRequest, bool always)
    {
        var sentence = isRequest ? member.Says : member.Shown;
        var shape =
            isRequest ? member.Shape
            : member.Secret ? Shape.Flag
            : member.AnswerShape ?? member.Shape;
        if (ReferenceOf(shape, isRequest) is { } name)
        {
            var reference = new OpenApiSchemaReference(name, document) { Description = sentence };

            // An answer leaves out what is not there.
            return always || !isRequest
                ? reference
                : new OpenApiSchema { OneOf = [new OpenApiSchema { Type = JsonSchemaType.Null }, reference] };
        }

        if (isRequest && shape == Shape.Time)
            return ApiSchemaForms.Time(sentence, mayBeNull: !always);
        var schema = Simple(shape, isRequest);
        if (shape.Values is { } values && ReferenceOf(values, isRequest) is { } value)
            schema.AdditionalProperties = new OpenApiSchemaReference(value, document);
        if (shape.Items is { } items && ReferenceOf(items, isRequest) is { } item)
        {
            var reference = new OpenApiSchemaReference(item, document);
            schema.Items = items.Or is { } or && isRequest ? new OpenApiSchema { OneOf = [reference, Simple(or, isRequest)] } : reference;
        }

        schema.Description = sentence;
        schema.WriteOnly = member.Secret && isRequest;
        if (isRequest && always && shape is { Type: "string", Choices: null })
            schema.MinLength = 1;
        if (always || !isRequest)
            return schema;
        schema.Type |= JsonSchemaType.Null;
        schema.Enum?.Add(JsonNullSentinel.JsonNull);
        if (shape is { Object: null, Or.Type: "object" })
            schema.Type |= JsonSchemaType.Object;
        return schema;
    }

    private static string? ReferenceOf(Shape shape, bool isRequest)
    {
        var name = shape.Object?.Name ?? (shape.Known ? shape.Type : null);
        return isRequest && name is not null ? name + "Request" : name;
    }

    private static OpenApiSchema Simple(Shape shape, bool isRequest) =>
        new()
        {
            Type = shape.Type switch
            {
                "string" => JsonSchemaType.String,
                "boolean" => JsonSchemaType.Boolean,
                "integer" => JsonSchemaType.Integer,
                "number" => JsonSchemaType.Number,
                "array" => JsonSchemaType.Array,
                _ => JsonSchemaType.Object,
            },
            Format = shape.Format,
            Minimum = shape.Least?.ToString(CultureInfo.InvariantCulture),
            Maximum = shape.Most?.ToString(CultureInfo.InvariantCulture),
            Enum = shape.Choices is { } choices ? [.. choices.Select(static choice => (JsonNode)choice)] : null,
            Items = shape.Items is { } items ? Simple(items, isRequest) : null,

            // What was stored under other rules is answered all the same.
            MaxLength = isRequest ? shape.Longest : null,
            Pattern = isRequest ? shape.Pattern : null,
            MinItems = isRequest ? shape.Fewest : null,
            MaxItems = isRequest && shape.Type == "array" ? shape.MostItems : null,
            MaxProperties = isRequest && shape.Type == "object" ? shape.MostItems : null,
        };
}
