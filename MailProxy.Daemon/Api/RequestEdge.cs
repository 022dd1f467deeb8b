using System.Text.RegularExpressions;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using Microsoft.AspNetCore.Http.Features;

namespace MailProxy.Daemon.Api;

/// <summary>The outermost layer: every answer gets its request id, and whatever goes wrong becomes a problem with a body.</summary>
internal sealed partial class RequestEdge(
    RequestDelegate next,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<RequestEdge> logger
)
{
    public const string RequestIdHeader = "X-Request-Id";

    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    public async Task InvokeAsync(HttpContext http)
    {
        if (http.Request.Headers[RequestIdHeader] is [{ } given] && RequestId().IsMatch(given))
            http.TraceIdentifier = given;
        http.Response.Headers[RequestIdHeader] = http.TraceIdentifier;
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true })
        {
            await AnswerAsync(http);
            return;
        }

        var body = new StoppableBody(http.Request.Body, http.Request.BodyReader, lifetime.ApplicationStopping);
        http.Request.Body = body;
        await AnswerAsync(http);
        if (body.Cut && lifetime.ApplicationStopping.IsCancellationRequested)
            await HangUpAsync(http);
    }

    // Kestrel waits for the rest of a body, which nobody wants any more, without a bound. The client gets time to read the answer.
    private async Task HangUpAsync(HttpContext http)
    {
        await http.Response.CompleteAsync();
        await Task.Delay(Linger, clock, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        http.Abort();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        ProblemAnswer answer;
        var over = false;
        try
        {
            await next(http);
            if (IsJsonWithoutLength(http))
                await http.Response.WriteAsync("\n");
            if (http.Response is not { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null })
                return;
            await (
                http.Response.StatusCode == StatusCodes.Status415UnsupportedMediaType
                    ? MediaTypes.NotTaken(http.Request)
                    : Refusals.ForStatus(http.Response.StatusCode)
            ).ExecuteAsync(http);
            return;
        }
        catch (Exception error) when (error is (OperationCanceledException or IOException) && http.RequestAborted.IsCancellationRequested)
        {
            return; // nobody is there to read an answer
        }
        catch (BadHttpRequestException error)
        {
            // What of the body is still to come would be taken for the next request, or not come at all.
            answer = Refusals.ForStatus(error.StatusCode);
            over = true;
        }
        catch (OverloadedException)
        {
            answer = Refusals.NoCapacity;
        }
        catch (OutOfMemoryException error)
        {
            Log.NoMemory(logger, error, http.Request.Method, RouteOf(http), http.TraceIdentifier);
            answer = Refusals.NoMemory;
        }
        catch (StoppingException)
        {
            answer = Refusals.Stopping;
        }
        catch (StoreUnavailableException)
        {
            answer = Refusals.StoreUnavailable;
        }
        catch (BodyPurgedException)
        {
            answer = Refusals.BodyPurged;
        }
        catch (BodyMissingException error)
        {
            answer = ProblemAnswer.Of(
                410,
                "body_missing",
                $"{error.Message} Until it is put back from a backup the message cannot be shown or sent."
            );
        }
        catch (Exception error)
        {
            Log.Failed(logger, error, http.Request.Method, RouteOf(http), http.TraceIdentifier);
            answer = ProblemAnswer.Of(500, "internal_error", "The request failed; the log says more under this request_id.");
        }

        if (http.Response.HasStarted)
        {
            http.Abort(); // half an answer must not look whole
            return;
        }

        http.Response.Clear();
        http.Response.Headers[RequestIdHeader] = http.TraceIdentifier;
        if (over)
            http.Response.Headers.Connection = "close";
        await answer.ExecuteAsync(http);
    }

    private static string RouteOf(HttpContext http) => (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)";

    // What the framework writes ends with its last brace; a shell's next prompt wants a line of its own.
    private static bool IsJsonWithoutLength(HttpContext http) =>
        http.Response is { ContentLength: null, ContentType: { } type }
        && type.StartsWith("application/json", StringComparison.Ordinal)
        && !HttpMethods.IsHead(http.Request.Method)
        && !http.RequestAborted.IsCancellationRequested;

    [GeneratedRegex("^[A-Za-z0-9._:-]{1,128}$")]
    private static partial Regex RequestId();

    private static partial class Log
    {
        [LoggerMessage(910, LogLevel.Error, "{Method} {Route} failed, request {RequestId}.")]
        public static partial void Failed(ILogger logger, Exception fault, string method, string route, string requestId);

        [LoggerMessage(911, LogLevel.Warning, "There was no memory for {Method} {Route}, request {RequestId}: it was answered with 503.")]
        public static partial void NoMemory(ILogger logger, Exception fault, string method, string route, string requestId);
    }
}
