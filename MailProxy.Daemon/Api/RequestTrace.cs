namespace MailProxy.Daemon.Api;

/// <summary>The trace that a request belongs to, by its headers (W3C Trace Context).</summary>
internal static class RequestTrace
{
    /// <summary>Null: it names none, or several, or one that is malformed; none of that refuses a request.</summary>
    public static TraceContext? Of(HttpRequest request)
    {
        var parent = request.Headers.TraceParent;
        return parent.Count == 1 ? TraceContext.Read(parent[0], request.Headers.TraceState.ToString()) : null;
    }
}
