using System.Text.Json.Nodes;
using MailProxy.Daemon.Api;

namespace MailProxy.Daemon.Genro;

/// <summary>A refusal as clients of genro-mail-proxy read it: <c>{"detail": …}</c>.</summary>
internal sealed record GenroRefusal(int Status, JsonNode Detail) : IResult
{
    /// <summary>More members beside <c>detail</c>; null: none.</summary>
    public JsonObject? Beside { get; init; }

    /// <summary>Seconds, for 429 and 503.</summary>
    public int? RetryAfter { get; init; }

    public static GenroRefusal Text(int status, string detail) => new(status, detail);

    /// <summary>422 with a list of mistakes.</summary>
    public static GenroRefusal Invalid(IEnumerable<GenroMistake> mistakes) =>
        new(StatusCodes.Status422UnprocessableEntity, new JsonArray([.. mistakes.Select(static one => (JsonNode)one.ToJson())]));

    public static GenroRefusal Missing(params object[] place) => Invalid([GenroMistake.Missing(place)]);

    /// <summary>422 with one mistake.</summary>
    public static GenroRefusal Wrong(string type, string message, params object[] place) => Invalid([new(type, place, message, null)]);

    /// <summary>A refusal of this program's own rules, in the words of its detail.</summary>
    public static GenroRefusal Of(ProblemAnswer answer, string where = "body")
    {
        var problem = answer.Problem;
        if (problem.Status != StatusCodes.Status422UnprocessableEntity || problem.Errors.Count == 0)
            return Text(problem.Status, DetailOf(problem)) with { RetryAfter = answer.RetryAfter };
        return Invalid(
            problem.Errors.Select(one => new GenroMistake(one.Code, [where, .. one.Pointer.Split('/').Skip(1)], one.Detail, null))
        );
    }

    /// <summary>Instead of a problem (RFC 9457), wherever in the edge it arose.</summary>
    public static Task WriteAsync(HttpContext http, ProblemAnswer answer) => Of(answer).ExecuteAsync(http);

    public async Task ExecuteAsync(HttpContext http)
    {
        if (RetryAfter is { } seconds)
            http.Response.Headers.RetryAfter = seconds.ToString();
        var body = Beside is null ? [] : (JsonObject)Beside.DeepClone();
        body["detail"] = Detail.DeepClone();
        await new GenroAnswer(body, Status).ExecuteAsync(http);
    }

    private static string DetailOf(Pipeline.Mail.Problem problem) =>
        problem switch
        {
            { Code: "unknown_route" } => "Not Found",
            { Code: "method_not_allowed" } => "Method Not Allowed",
            _ => problem.Detail,
        };
}

/// <summary>One mistake of a request: <c>{type, loc, msg, input}</c>.</summary>
/// <param name="Place">Names and numbers of the way there.</param>
/// <param name="Input">What was there, unless it may be a secret.</param>
internal sealed record GenroMistake(string Type, IReadOnlyList<object> Place, string Message, JsonNode? Input)
{
    public const string Absent = "Field required";

    public static GenroMistake Missing(IReadOnlyList<object> place) => new("missing", place, Absent, null);

    public JsonObject ToJson() =>
        new()
        {
            ["type"] = Type,
            ["loc"] = new JsonArray([.. Place.Select(static one => one is int number ? (JsonNode)number : (string)one)]),
            ["msg"] = Message,
            ["input"] = Input?.DeepClone(),
        };
}
