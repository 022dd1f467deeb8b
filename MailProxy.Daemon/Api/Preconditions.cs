using MailProxy.Pipeline.Storage;
using Microsoft.Net.Http.Headers;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Which version of a resource a change is meant for (RFC 9110 section 13): <c>If-Match</c> with an ETag that was answered before, or
/// <c>*</c> for any; <c>If-None-Match: *</c> for none. A change without them is meant for whatever is there.
/// </summary>
internal static class Preconditions
{
    public static readonly ProblemAnswer Failed = ProblemAnswer.Of(
        412,
        "precondition_failed",
        "It is not what the change was meant for (If-Match, If-None-Match): somebody else changed it. Read it again and repeat the change."
    );

    /// <summary>Whether a change may be made to this version; 0: there is nothing.</summary>
    public static Func<long, bool> Of(HttpContext http)
    {
        var headers = http.Request.Headers;
        var (match, noneMatch) = (headers.IfMatch, headers.IfNoneMatch);
        return version =>
            (match.Count == 0 || IsOneOf(http, match, version)) && (noneMatch.Count == 0 || !IsOneOf(http, noneMatch, version));
    }

    /// <summary>The ETag of a version. A store that was restored counts its versions anew, so its generation is part of it.</summary>
    public static string Tag(HttpContext http, long version)
    {
        var generation = http.RequestServices.GetRequiredService<StoreGenerations>().Current;
        return $"\"{Convert.ToHexStringLower(generation.Id.AsSpan(0, 4))}-{version}\"";
    }

    private static bool IsOneOf(HttpContext http, IEnumerable<string?> tags, long version) =>
        version > 0
        && EntityTagHeaderValue.TryParseList([.. tags.OfType<string>()], out var parsed)
        && parsed.Any(tag => tag.Tag == "*" || (!tag.IsWeak && tag.Tag == Tag(http, version)));
}
