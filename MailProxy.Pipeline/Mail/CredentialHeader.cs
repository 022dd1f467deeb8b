using System.Buffers;
using System.Net.Http.Headers;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// Puts credentials into a request, and says which headers may carry them. One rule for everything that is set, and for everything that
/// is stored.
/// </summary>
public static class CredentialHeader
{
    /// <summary>For a person.</summary>
    public const string Rule =
        "Must be the name of a header that may carry credentials: not one of the connection, of the body, of an answer, or of "
        + "our own signature.";

    private const int LongestName = 128;

    // RFC 9110 5.6.2.
    private static readonly SearchValues<char> TokenChars = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    );

    // They say where a request goes, what its body is, or what its answer may be.
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

    /// <summary>A token of HTTP, and not too long.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= LongestName && !name.AsSpan().ContainsAnyExcept(TokenChars);

    /// <summary>A name of a header that may carry credentials.</summary>
    public static bool MayBeSet(string name) =>
        IsName(name)
        && !Reserved.Contains(name)
        && !Array.Exists(ReservedPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        && IsTaken(name);

    /// <summary>
    /// Adds what is to be sent. Throws <see cref="FormatException"/> when it cannot be: it was stored by a version that checked less.
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

    // The client's own word: what it keeps for the body or for answers it takes for no request.
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
