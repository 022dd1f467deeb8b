using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Telemetry;
using Microsoft.AspNetCore.WebUtilities;

namespace MailProxy.Daemon.Api;

/// <summary>Writes refusals for a client that speaks another contract: a feature of its request.</summary>
internal delegate Task WriteProblem(HttpContext http, ProblemAnswer answer);

/// <summary>A refusal on its way to the client: <c>application/problem+json</c> (RFC 9457).</summary>
/// <param name="RetryAfter">Seconds, for 429 and 503.</param>
internal sealed record ProblemAnswer(Problem Problem, int? RetryAfter = null, string? MessageId = null, MessageState? MessageState = null)
    : IResult
{
    /// <summary>Why nothing is taken; with <c>not_ready</c> only.</summary>
    public IReadOnlyList<NotReady>? Reasons { get; init; }

    public static ProblemAnswer Of(int status, string code, string detail) => new(new Problem(status, code, detail));

    /// <summary>The problem's own code is the errors' code when they all have the same, else <c>validation_failed</c>.</summary>
    public static ProblemAnswer Invalid(IReadOnlyList<FieldError> errors)
    {
        var code = errors.All(e => e.Code == errors[0].Code) ? errors[0].Code : "validation_failed";
        var detail = errors.Count == 1 ? $"{errors[0].Pointer}: {errors[0].Detail}" : "The request has mistakes; each is named in errors.";
        return new(new Problem(StatusCodes.Status422UnprocessableEntity, code, detail, errors));
    }

    public static ProblemAnswer NotFound(string what) => Of(StatusCodes.Status404NotFound, "not_found", $"There is no such {what}.");

    public async Task ExecuteAsync(HttpContext http)
    {
        if (http.Features.Get<RequestNotes>() is { } notes)
            notes.Code = Problem.Code;
        if (http.Features.Get<WriteProblem>() is { } write)
        {
            await write(http, this);
            return;
        }

        var response = http.Response;
        response.StatusCode = Problem.Status;
        response.ContentType = "application/problem+json";
        if (RetryAfter is { } seconds)
            response.Headers.RetryAfter = seconds.ToString();
        var body = ApiJson.Bytes(
            Body(Problem, MessageId, MessageState) with
            {
                RequestId = http.TraceIdentifier,
                Reasons = NotReadyAnswer.Of(Reasons),
            }
        );
        await ApiJson.WriteLineAsync(response, body);
    }

    public static ProblemAnswerBody Body(Problem problem, string? messageId = null, MessageState? state = null) =>
        new(
            "about:blank",
            ReasonPhrases.GetReasonPhrase(problem.Status),
            problem.Status,
            problem.Detail,
            problem.Code,
            problem.Errors.Count == 0 ? null : [.. problem.Errors.Select(e => new FieldErrorAnswer(e.Pointer, e.Code, e.Detail))],
            messageId,
            state?.Name()
        );
}

/// <summary>The refusals that several routes share.</summary>
internal static class Refusals
{
    public static readonly ProblemAnswer Overloaded = new(
        new Problem(503, "overloaded", "Too much is waiting to be stored. Nothing of this request was stored; send it again."),
        2
    );
    public static readonly ProblemAnswer NoCapacity = new(
        new Problem(
            503,
            "overloaded",
            "Too many of the tenant's requests are being read or answered. Wait for their answers, and send this one again."
        ),
        2
    );
    public static readonly ProblemAnswer NoMemory = new(
        new Problem(
            503,
            "overloaded",
            "There is not enough memory for this request now. Nothing of it was stored; send it again later, or in parts."
        ),
        5
    );
    public static readonly ProblemAnswer DiskLow = new(
        new Problem(503, "disk_low", "The disk is nearly full. Nothing of this request was stored; send it again later."),
        30
    );
    public static readonly ProblemAnswer CursorOfAnotherLife = new(
        new Problem(
            410,
            "cursor_expired",
            "This cursor is of an earlier life of the store: it was restored from a backup or made by an older program. Begin anew without "
                + "it."
        )
    );
    public static readonly ProblemAnswer Stopping = new(
        new Problem(
            503,
            "stopping",
            "The daemon is not taking messages: it is starting or stopping. Nothing of this request was stored; send it again."
        ),
        5
    );
    public static readonly ProblemAnswer StoreUnavailable = new(
        new Problem(503, "store_unavailable", "The store cannot write now. Nothing of this request was stored; send it again later."),
        5
    );
    public static readonly ProblemAnswer BodyPurged = ProblemAnswer.Of(
        410,
        "purged",
        "The message's body was purged; the tenant's retain says how long it stays."
    );

    public static ProblemAnswer TooLarge(long limit) => ProblemAnswer.Of(413, "too_large", $"The body is larger than {limit} bytes.");

    public static ProblemAnswer UnsupportedType(string detail) => ProblemAnswer.Of(415, "unsupported_media_type", detail);

    public static ProblemAnswer Malformed(string detail) => ProblemAnswer.Of(400, "malformed", detail);

    public static ProblemAnswer ForStatus(int status) =>
        status switch
        {
            400 => Malformed("The request is malformed."),
            404 => ProblemAnswer.Of(404, "unknown_route", "There is no such route."),
            405 => ProblemAnswer.Of(405, "method_not_allowed", "The route does not know this method; see the Allow header."),
            408 => ProblemAnswer.Of(408, "request_timeout", "The request came too slowly."),
            413 => ProblemAnswer.Of(413, "too_large", "The body is too large."),
            415 => UnsupportedType("The route does not take this Content-Type, charset or Content-Encoding."),
            _ => ProblemAnswer.Of(status, status < 500 ? "refused" : "internal_error", ReasonPhrases.GetReasonPhrase(status) + "."),
        };
}
