using System.Text.RegularExpressions;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Api;

/// <summary>The outermost layer: every answer gets its request id, and whatever goes wrong becomes a problem with a body.</summary>
internal sealed partial class RequestEdge(RequestDelegate next, ILogger<RequestEdge> logger)
{
    public const string RequestIdHeader = "X-Request-Id";

    public async Task InvokeAsync(HttpContext http)
    {
        if (http.Request.Headers[RequestIdHeader] is [{ } given] && RequestId().IsMatch(given)) http.TraceIdentifier = given;
        http.Response.Headers[RequestIdHeader] = http.TraceIdentifier;

        ProblemAnswer answer;
        try
        {
            await next(http);
            if (http.Response is not { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null }) return;
            await Refusals.ForStatus(http.Response.StatusCode).ExecuteAsync(http);
            return;
        }
        catch (Exception fault) when (fault is (OperationCanceledException or IOException) && http.RequestAborted.IsCancellationRequested)
        {
            return; // nobody is there to read an answer
        }
        catch (BadHttpRequestException bad)
        {
            answer = Refusals.ForStatus(bad.StatusCode);
        }
        catch (StoreUnavailableException)
        {
            answer = Refusals.StoreUnavailable;
        }
        catch (BodyPurgedException)
        {
            answer = Refusals.BodyPurged;
        }
        catch (Exception fault)
        {
            Log.Failed(logger, fault, http.Request.Method, (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "(no route)", http.TraceIdentifier);
            answer = ProblemAnswer.Of(500, "internal_error", "The request failed; the log says more under this request_id.");
        }

        if (http.Response.HasStarted)
        {
            http.Abort(); // half an answer must not look whole
            return;
        }

        http.Response.Clear();
        http.Response.Headers[RequestIdHeader] = http.TraceIdentifier;
        await answer.ExecuteAsync(http);
    }

    [GeneratedRegex("^[A-Za-z0-9._:-]{1,128}$")]
    private static partial Regex RequestId();

    private static partial class Log
    {
        [LoggerMessage(910, LogLevel.Error, "{Method} {Route} failed, request {RequestId}.")]
        public static partial void Failed(ILogger logger, Exception fault, string method, string route, string requestId);
    }
}
