using Microsoft.OpenApi;

namespace MailProxy.Daemon.Api;

/// <summary>What of a route decides how it may be refused.</summary>
/// <param name="IsChange">It counts against the changes that a tenant may make in a minute.</param>
/// <param name="IsVersioned">It is held to If-Match.</param>
internal readonly record struct RouteAnswers(bool IsPublic, bool IsChange, bool IsVersioned);

/// <summary>Every status that an operation can answer with.</summary>
internal static class ApiDocumentStatuses
{
    private static readonly (string Status, string Name, string Sentence)[] Refusals =
    [
        ("400", "Malformed", "The request cannot be read, or has a query parameter that the route does not know."),
        ("401", "Unauthorized", "There is no key, none that is known, or one that has expired."),
        ("403", "Forbidden", "The key may not do this, or not from this address."),
        ("404", "NotFound", "There is no such object in this tenant, or no such tenant."),
        ("408", "Timeout", "The body came too slowly."),
        ("409", "Conflict", "The state of the object forbids it; `code` says which."),
        ("410", "Gone", "What was asked for was removed, or the cursor is of an earlier life of the store."),
        ("412", "PreconditionFailed", "The object is in another version than If-Match or If-None-Match ask for."),
        ("413", "TooLarge", "The body is larger than allowed, or has too many messages."),
        ("415", "UnsupportedMediaType", "The route does not take this Content-Type or Content-Encoding; `detail` names those it takes."),
        ("422", "Invalid", "The request has mistakes; each is in `errors` with its pointer."),
        ("429", "TooMany", "More than the tenant may do now; wait for Retry-After."),
        ("500", "Failed", "The daemon failed; its log says more under `request_id`."),
        ("503", "Unavailable", "Nothing of the request was taken, for lack of capacity, disk or store; wait for Retry-After."),
        ("default", "Refused", "Any other refusal (RFC 9457)."),
    ];

    // Of single operations, beside what holds for all like them.
    private static readonly Dictionary<string, string[]> Own = new()
    {
        ["submitMessage"] = ["409"],
        ["submitBatch"] = ["409"],
        ["listMessages"] = ["410"],
        ["listMessageEvents"] = ["410"],
        ["getRawMessage"] = ["410"],
        ["cancelMessage"] = ["409", "410"],
        ["retryMessage"] = ["409", "410"],
        ["holdMessage"] = ["409", "410"],
        ["releaseMessage"] = ["409", "410"],
        ["rescheduleMessage"] = ["409", "410"],
        ["rerouteMessage"] = ["409", "410"],
        ["rerouteMessages"] = ["410"],
        ["whereIsMail"] = ["410"],
        ["listEvents"] = ["410", "429"],
        ["listOperations"] = ["410"],
        ["actOnMessages"] = ["409", "429"],
        ["stopOperation"] = ["409"],
        ["undoOperation"] = ["409", "429"],
        ["putTenant"] = ["409"],
        ["deleteTenant"] = ["409"],
        ["deleteAccount"] = ["409"],
        ["deletePool"] = ["409"],
        ["deleteVolume"] = ["409"],
        ["deleteBatch"] = ["409"],
        ["createDkimKey"] = ["409", "412"],
        ["activateDkimKey"] = ["412"],
        ["deleteDkimKey"] = ["412"],
        ["testAccount"] = ["429"],
        ["testVolume"] = ["429"],
        ["testWebhook"] = ["429"],
        ["exportAudit"] = ["410"],
        ["listSandboxMessages"] = ["410"],
        ["download"] = ["304", "404", "410", "412", "416", "503"],
        ["askToUnsubscribe"] = ["404"],
        ["unsubscribe"] = ["404"],
    };

    private static readonly Dictionary<string, string> Bare = new()
    {
        ["302"] = "The file is elsewhere: the Location header says where.",
        ["304"] = "The file is the one that If-None-Match or If-Modified-Since name.",
        ["416"] = "The Range is not within the file.",
    };

    public static void AddTo(OpenApiDocument document)
    {
        document.Components!.Responses ??= new Dictionary<string, IOpenApiResponse>();
        foreach (var (status, name, sentence) in Refusals)
            document.Components.Responses[name] = Refusal(document, status, sentence);
    }

    public static void Describe(OpenApiOperation operation, OpenApiDocument document, RouteAnswers route)
    {
        operation.Responses ??= [];
        foreach (var status in StatusesOf(operation, route).Distinct().Order(StringComparer.Ordinal))
        {
            if (Bare.TryGetValue(status, out var sentence))
                operation.Responses[status] = new OpenApiResponse { Description = sentence };
            else
                operation.Responses[status] = new OpenApiResponseReference(Refusals.First(one => one.Status == status).Name, document);
        }

        foreach (var (status, response) in operation.Responses)
        {
            if (response is OpenApiResponse { Description: "OK" or "Created" or "Accepted" or "No Content" } own)
                own.Description = status switch
                {
                    "201" => "It was made.",
                    "202" => "It was taken.",
                    "204" => "It was done; there is nothing to say.",
                    _ => "It was done, or here it is.",
                };
        }

        var inOrder = operation.Responses.OrderBy(static one => one.Key, StringComparer.Ordinal).ToArray();
        operation.Responses.Clear();
        foreach (var (status, response) in inOrder)
            operation.Responses.Add(status, response);
    }

    private static IEnumerable<string> StatusesOf(OpenApiOperation operation, RouteAnswers route)
    {
        var own = Own.GetValueOrDefault(operation.OperationId ?? "") ?? [];
        IEnumerable<string> all =
        [
            .. own,
            .. Bare.Keys.Where(status => operation.Responses!.ContainsKey(status)),
            "400",
            "500",
            "503",
            "default",
        ];
        if (operation.RequestBody is not null)
            all = all.Concat(["408", "413", "415"]);
        if (route.IsPublic)
            return all;
        all = all.Concat(["401", "403", "404", "422"]);
        if (route.IsChange)
            all = all.Append("429");
        return route.IsVersioned ? all.Append("412") : all;
    }

    private static OpenApiResponse Refusal(OpenApiDocument document, string status, string sentence)
    {
        var response = new OpenApiResponse
        {
            Description = sentence,
            Headers = new Dictionary<string, IOpenApiHeader>
            {
                [RequestEdge.RequestIdHeader] = Header("The id of the request, which the log has too.", JsonSchemaType.String),
            },
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference(ApiDocument.ProblemSchema, document) },
            },
        };
        if (status is "429" or "503")
            response.Headers["Retry-After"] = Header("Seconds to wait.", JsonSchemaType.Integer);
        if (status == "401")
            response.Headers["WWW-Authenticate"] = Header("How to authenticate: Bearer.", JsonSchemaType.String);
        return response;
    }

    private static OpenApiHeader Header(string sentence, JsonSchemaType type) =>
        new()
        {
            Description = sentence,
            Schema = new OpenApiSchema { Type = type },
        };
}
