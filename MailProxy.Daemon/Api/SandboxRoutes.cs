namespace MailProxy.Daemon.Api;

/// <summary>What the built-in catcher took.</summary>
internal sealed class SandboxRoutes(SandboxView sandbox, AnswerMemory memory)
{
    public void Map(RouteGroupBuilder v1)
    {
        v1.MapGet("/sandbox/messages", (Delegate)List)
            .WithName("listSandboxMessages")
            .WithSummary("Mail that the sandbox took, newest first")
            .WithTags("Sandbox")
            .AdminOnly()
            .Query("limit", "cursor")
            .Produces<SandboxList>();
        v1.MapGet("/sandbox/messages/{id:long}/raw", Raw)
            .WithName("getRawSandboxMessage")
            .WithSummary("A mail as the sandbox received it")
            .WithTags("Sandbox")
            .AdminOnly()
            .Produces<string>(StatusCodes.Status200OK, "message/rfc822");
    }

    private IResult List(HttpContext http)
    {
        var query = new QueryReader(http);
        var limit = query.Limit();
        var before = query.CursorNumber("sandbox");
        if (query.Refusal is { } refusal)
            return refusal;

        var found = sandbox.List(limit + 1, before);
        return TypedResults.Json(
            new([.. found.Take(limit)], found.Count > limit ? Cursor.Write(http, "sandbox", found[limit - 1].Id) : null),
            ApiJson.Plain.SandboxList
        );
    }

    private IResult Raw(long id) =>
        sandbox.Raw(id) is { } bytes ? new BytesAnswer(memory, bytes, "message/rfc822") : ProblemAnswer.NotFound("mail in the sandbox");
}
