using Microsoft.Net.Http.Headers;

namespace MailProxy.Daemon.Api;

/// <summary>What a request says its body is.</summary>
internal static class MediaTypes
{
    public static bool Is(HttpRequest request, string mediaType) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase);

    /// <summary>A refusal unless the body is JSON (or says nothing), in UTF-8, not compressed.</summary>
    public static ProblemAnswer? NotJson(HttpRequest request) => Not(request, "application/json");

    public static ProblemAnswer? Not(HttpRequest request, string mediaType)
    {
        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
        {
            return Refusals.UnsupportedType(
                $"The route takes no Content-Encoding, and the body has "
                    + $"'{Shown(request.Headers.ContentEncoding.ToString())}'. Send it uncompressed."
            );
        }

        if (request.ContentType is null or "application/json")
            return null;
        return
            MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            ? null
            : NotTaken(request);
    }

    /// <summary>The refusal of a Content-Type, which names those that the route takes.</summary>
    public static ProblemAnswer NotTaken(HttpRequest request)
    {
        var taken = request.Path.Value is "/v1/messages" or "/v1/messages/batch"
            ? "application/json or application/x-ndjson"
            : "application/json";
        return Refusals.UnsupportedType(
            $"The route takes {taken} in UTF-8, and the request says '{Shown(request.ContentType ?? "")}'. "
                + $"Set the header Content-Type."
        );
    }

    private static string Shown(string text) => new([.. text.Take(100).Select(static c => c is >= ' ' and <= '~' ? c : '?')]);
}
