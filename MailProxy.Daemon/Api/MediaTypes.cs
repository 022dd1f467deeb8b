using Microsoft.Net.Http.Headers;

namespace MailProxy.Daemon.Api;

/// <summary>What a request says its body is.</summary>
internal static class MediaTypes
{
    public static bool Is(HttpRequest request, string mediaType) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase);

    /// <summary>A refusal unless the body is JSON (or says nothing), in UTF-8, not compressed.</summary>
    public static ProblemAnswer? NotJson(HttpRequest request) => Not(request, "application/json");

    public static ProblemAnswer? Not(HttpRequest request, string mediaType)
    {
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity") return Refusals.ForStatus(415);
        if (request.ContentType is null or "application/json") return null;
        return MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            ? null
            : Refusals.ForStatus(415);
    }
}
