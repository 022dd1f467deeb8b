using System.Globalization;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Daemon.Genro;

/// <summary>What a parameter of a route of version C is.</summary>
internal enum GeneratedKind
{
    Text,
    Whole,
    Flag,
    Object,

    /// <summary>A list of texts.</summary>
    Texts,

    /// <summary>A list of objects.</summary>
    Objects,
}

/// <summary>A parameter of a route of version C: a member of its body, or of its query.</summary>
internal sealed record GeneratedParameter(string Name, GeneratedKind Kind, bool Required = false)
{
    /// <summary>The only texts that it may be; empty: any.</summary>
    public string[] Choices { get; init; } = [];

    /// <summary>Tells the reader of a body what is wrong with it.</summary>
    public void Check(GenroReader body)
    {
        switch (Kind)
        {
            case GeneratedKind.Text when Choices.Length > 0:
                body.Choice(Name, Choices);
                break;
            case GeneratedKind.Text:
                body.Text(Name, Required);
                break;
            case GeneratedKind.Whole:
                body.Whole(Name, Required);
                break;
            case GeneratedKind.Flag:
                body.Flag(Name);
                break;
            case GeneratedKind.Object:
                body.Object(Name, Required);
                break;
            case GeneratedKind.Texts:
                body.Texts(Name, Required);
                break;
            default:
                Objects(body);
                break;
        }
    }

    /// <summary>What is wrong with it in a query; null: nothing.</summary>
    public GenroMistake? Check(string? text)
    {
        if (text is null)
            return Required ? GenroMistake.Missing(["query", Name]) : null;
        return Kind switch
        {
            GeneratedKind.Whole when GeneratedCall.Number(text) is null => Wrong("int_parsing", "Input should be a valid integer"),
            GeneratedKind.Flag when GenroReader.Word(text) is null => Wrong("bool_parsing", "Input should be a valid boolean"),
            _ => null,
        };
    }

    /// <summary>Its JSON schema.</summary>
    public JsonObject Schema()
    {
        var schema = new JsonObject
        {
            ["type"] = Kind switch
            {
                GeneratedKind.Whole => "integer",
                GeneratedKind.Flag => "boolean",
                GeneratedKind.Object => "object",
                GeneratedKind.Texts or GeneratedKind.Objects => "array",
                _ => "string",
            },
        };
        if (Kind is GeneratedKind.Texts or GeneratedKind.Objects)
            schema["items"] = new JsonObject { ["type"] = Kind == GeneratedKind.Texts ? "string" : "object" };
        if (Choices.Length > 0)
            schema["enum"] = new JsonArray([.. Choices.Select(static one => (JsonNode)one)]);
        return schema;
    }

    private void Objects(GenroReader body)
    {
        if (body.List(Name, Required) is not { } list)
            return;
        var index = 0;
        foreach (var item in list.EnumerateArray())
            body.At(Name, index++, item);
    }

    private GenroMistake Wrong(string type, string message) => new(type, ["query", Name], message, null);
}

/// <summary>A call of a route of version C, whose parameters are of their types.</summary>
/// <param name="body">Null: they are in the query.</param>
internal sealed class GeneratedCall(HttpContext http, Caller caller, GenroReader? body)
{
    public HttpContext Http => http;

    public Caller Caller => caller;

    public GenroReader Body => body ?? throw new InvalidOperationException("The route has no body.");

    public CancellationToken Cancel => http.RequestAborted;

    public string? Text(string name) => body is null ? QueryOf(http, name) : body.Text(name);

    public long? Whole(string name) => body is null ? Number(QueryOf(http, name)) : body.Whole(name);

    public bool Flag(string name) => (body is null ? GenroReader.Word(QueryOf(http, name) ?? "") : body.Flag(name)) ?? false;

    public static string? QueryOf(HttpContext http, string name) => http.Request.Query[name] is [.., { Length: > 0 } text] ? text : null;

    /// <summary>Null: it is none, or too large.</summary>
    public static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) && Math.Abs((double)number) < 9e15
            ? number
            : null;
}

/// <summary>A route of version C.</summary>
/// <param name="Path">Entity and method.</param>
internal sealed record GeneratedRoute(
    string Method,
    string Path,
    string Summary,
    GenroWho Who,
    KeyScopes Scope,
    Func<GeneratedCall, Task<IResult>> Run
)
{
    public const string TenantName = "tenant_id";

    public IReadOnlyList<GeneratedParameter> Parameters { get; init; } = [];

    /// <summary>What its calls are called in the log of commands; null: they are not there.</summary>
    public string? Command { get; init; }

    /// <summary>Counts as a change of what is configured.</summary>
    public bool Changes { get; init; }

    /// <summary>Whether it reads its body itself.</summary>
    public bool ReadsBody { get; init; }

    public bool NamesTenant => Parameters.Any(static one => one.Name == TenantName);

    public static GeneratedRoute Get(
        string path,
        string summary,
        GenroWho who,
        Func<GeneratedCall, Task<IResult>> run,
        params GeneratedParameter[] parameters
    ) => new(HttpMethods.Get, path, summary, who, KeyScopes.Read, run) { Parameters = parameters };

    public static GeneratedRoute Post(
        string path,
        string summary,
        GenroWho who,
        KeyScopes scope,
        Func<GeneratedCall, Task<IResult>> run,
        params GeneratedParameter[] parameters
    ) => new(HttpMethods.Post, path, summary, who, scope, run) { Parameters = parameters };

    public static GeneratedParameter Tenant { get; } = new(TenantName, GeneratedKind.Text);

    /// <summary>Of routes that are the operator's.</summary>
    public static GeneratedParameter NamedTenant { get; } = new(TenantName, GeneratedKind.Text, Required: true);

    public static GeneratedParameter Text(string name, bool required = false) => new(name, GeneratedKind.Text, required);

    public static GeneratedParameter Whole(string name, bool required = false) => new(name, GeneratedKind.Whole, required);

    public static GeneratedParameter Flag(string name) => new(name, GeneratedKind.Flag);

    public static GeneratedParameter Object(string name) => new(name, GeneratedKind.Object);
}

/// <summary>An answer that is written as it is read.</summary>
internal sealed class GenroStream(Func<HttpContext, Task> write) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext) => write(httpContext);
}
