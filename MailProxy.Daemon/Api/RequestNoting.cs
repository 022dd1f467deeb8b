using System.Collections.Frozen;

namespace MailProxy.Daemon.Api;

/// <summary>A feature of requests that nobody made by hand: the page asks again and again.</summary>
internal sealed class UnnotedRequest
{
    public static readonly UnnotedRequest Mark = new();
}

/// <summary>Around the routes of <c>/v1</c>: each request stands in the log of requests once it is answered.</summary>
internal sealed class RequestNoting(RequestDelegate next, IRequestLog log, TimeProvider clock)
{
    // What the page and monitors ask for all the time says nothing.
    private static readonly FrozenSet<string> Left = FrozenSet.ToFrozenSet(["/v1/requests", "/v1/status", "/v1/status/flow", "/v1/self"]);

    public async Task InvokeAsync(HttpContext http)
    {
        var path = http.Request.Path;
        if (!path.StartsWithSegments("/v1") || http.Features.Get<UnnotedRequest>() is not null || Left.Contains(path.Value!))
        {
            await next(http);
            return;
        }

        var begun = clock.GetTimestamp();
        var notes = new RequestNotes();
        http.Features.Set(notes);
        await next(http);
        if (http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
            return; // nobody waited for the answer
        notes.TellPath(http);
        var caller = http.Features.Get<Caller>();
        log.Note(
            new(
                0,
                clock.GetUtcNow().ToUnixTimeMilliseconds(),
                http.Request.Method,
                Cut(path.Value!),
                http.Response.StatusCode,
                Math.Round(clock.GetElapsedTime(begun).TotalMilliseconds, 3),
                notes.Code,
                caller?.Actor ?? "unknown",
                caller?.Tenant ?? RequestLog.Nobody,
                http.TraceIdentifier,
                notes.Messages
            )
        );
    }

    private static string Cut(string path) => path.Length <= 256 ? path : path[..256];
}
