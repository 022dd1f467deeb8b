using System.Buffers;
using System.Net.Http.Headers;
using System.Text;

namespace MailProxy.Pipeline.Notation;

/// <summary>
/// Adds credentials to a request, and decides which headers may carry them: one rule for everything that is configured or stored.
/// </summary>
public static class CredentialHeader
{
    /// <summary>The rule in words, for error messages.</summary>
    public const string Rule =
        "Must be the name of a header that may carry credentials: not one of the connection, of the body, of an answer, or of "
        + "our own signature.";

    private const int LongestName = 128;

    // RFC 9110 5.6.2.
    private static readonly SearchValues<char> TokenChars = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    );

    // These headers decide where a request goes, what its body is, or what the answer may be.
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept",
        "Accept-Encoding",
        "Accept-Ranges",
        "Age",
        "Allow",
        "Alt-Svc",
        "Cache-Control",
        "Connection",
        "Date",
        "ETag",
        "Expect",
        "Expires",
        "Host",
        "HTTP2-Settings",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "If-Range",
        "If-Unmodified-Since",
        "Keep-Alive",
        "Last-Modified",
        "Location",
        "Max-Forwards",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Range",
        "Retry-After",
        "Server",
        "Set-Cookie",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "User-Agent",
        "Vary",
        "Via",
        "Warning",
        "WWW-Authenticate",
    };

    private static readonly string[] ReservedPrefixes = ["Content-", "webhook-"];

    /// <summary>Whether this is a token of HTTP, and not too long.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= LongestName && !name.AsSpan().ContainsAnyExcept(TokenChars);

    /// <summary>Whether a header of this name may carry credentials.</summary>
    public static bool MayBeSet(string name) =>
        IsName(name)
        && !Reserved.Contains(name)
        && !Array.Exists(ReservedPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        && IsTaken(name);

    /// <summary>
    /// Adds the credentials. Throws <see cref="FormatException"/> when that is impossible, because an older version stored them with fewer
    /// checks.
    /// </summary>
    public static void Add(HttpRequestHeaders headers, SourceAuth? auth)
    {
        switch (auth)
        {
            case SourceAuth.Basic basic:
                headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{basic.User}:{basic.Password}")));
                break;
            case SourceAuth.Bearer bearer:
                headers.Authorization = new("Bearer", Checked(bearer.Token, "bearer"));
                break;
            case SourceAuth.Header header:
                if (!IsName(header.Name) || !IsTaken(header.Name))
                {
                    throw new FormatException($"The header '{header.Name}' of auth cannot carry credentials: set auth again");
                }

                headers.Remove(header.Name);
                headers.TryAddWithoutValidation(header.Name, Checked(header.Value, "value"));
                break;
        }
    }

    // Asks the HTTP client, which does not accept headers of content or of responses on a request.
    private static bool IsTaken(string name)
    {
        using var request = new HttpRequestMessage();
        return request.Headers.TryAddWithoutValidation(name, "x");
    }

    private static string Checked(string value, string what) =>
        value.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? throw new FormatException($"The {what} of auth has characters that a header cannot carry: set auth again")
            : value;
}
