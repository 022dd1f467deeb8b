using MailProxy.Pipeline.Flow;

namespace MailProxy.Daemon.Api;

/// <summary>What a request was about, told by its route for the log of requests: a feature of the request.</summary>
internal sealed class RequestNotes
{
    private List<string>? _messages;

    public IReadOnlyList<string> Messages => _messages ?? (IReadOnlyList<string>)[];

    public string? Code { get; set; }

    /// <summary>The messages of a submission, the first ones.</summary>
    public static void Tell(HttpContext http, IReadOnlyList<ReceiptLine> lines)
    {
        if (http.Features.Get<RequestNotes>() is not { } notes)
            return;
        foreach (var line in lines)
        {
            if (line is not { Problem: null, Id: { } id })
                continue;
            if ((notes._messages ??= []).Count >= RequestLog.MostMessages)
                return;
            notes._messages.Add(id);
        }
    }

    /// <summary>The message that the request's path names.</summary>
    public void TellPath(HttpContext http)
    {
        if (
            _messages is null
            && http.Request.Path.StartsWithSegments("/v1/messages")
            && http.Request.RouteValues.TryGetValue("id", out var id)
        )
            _messages = [(string)id!];
    }
}
