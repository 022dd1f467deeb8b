using Microsoft.Net.Http.Headers;

namespace MailProxy.Daemon.Dashboard.Host;

/// <summary>
/// Says to the browser what a view may do: load from here only, run no script but ours, stand in no frame. A view that fails is told, to
/// the log and to who asked for it.
/// </summary>
internal sealed partial class PageHeaders(RequestDelegate next, ILogger<PageHeaders> logger)
{
    // Charts place their labels by style attributes; a style cannot run.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        + "connect-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'self'; frame-ancestors 'none'";

    public async Task InvokeAsync(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers[HeaderNames.ContentSecurityPolicy] = Policy;
        headers[HeaderNames.XContentTypeOptions] = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        try
        {
            await next(http);
        }
        catch (Exception error) when (error is (OperationCanceledException or IOException) && http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to see it.
        }
        catch (Exception error) when ((error as BadHttpRequestException ?? error.InnerException) is BadHttpRequestException refused)
        {
            await TellAsync(http, refused.StatusCode, refused.Message);
        }
        catch (Exception error)
        {
            Log.Failed(logger, error, http.Request.Path, http.TraceIdentifier);
            await TellAsync(http, 500, $"The view failed; the log says more under {http.TraceIdentifier}.");
        }
    }

    private static async Task TellAsync(HttpContext http, int status, string what)
    {
        if (http.Response.HasStarted)
        {
            http.Abort(); // half a view must not look whole
            return;
        }

        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(what + "\n");
    }

    private static partial class Log
    {
        [LoggerMessage(931, LogLevel.Error, "The view {Path} failed, request {RequestId}.")]
        public static partial void Failed(ILogger logger, Exception fault, string path, string requestId);
    }
}
