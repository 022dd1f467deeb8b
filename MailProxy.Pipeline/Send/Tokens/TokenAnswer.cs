using System.Globalization;
using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send.Tokens;

/// <summary>A token as it was granted.</summary>
/// <param name="Lasts">Within bounds, whatever the server said.</param>
/// <param name="Refresh">The refresh token that stands for the former one; null: the former one stays.</param>
internal sealed record TokenAnswer(string Token, TimeSpan Lasts, string? Refresh)
{
    /// <summary>When a server does not say how long a token lasts, or says nonsense.</summary>
    public static readonly TimeSpan Assumed = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Least = TimeSpan.FromMinutes(1),
        Most = TimeSpan.FromHours(24);

    // In base64 more than what RFC 4954 section 4 lets a line of AUTH have.
    private const int LongestToken = 16 * 1024;

    /// <summary>Reads an answer to a request for a token (RFC 6749 section 5). Pure.</summary>
    /// <exception cref="TokenException">It is none, or a refusal.</exception>
    /// <param name="secrets">What the server was sent and nobody is to read in an error.</param>
    public static TokenAnswer Read(
        int status,
        ReadOnlyMemory<byte> body,
        TimeSpan? retryAfter,
        DateTimeOffset? theirTime,
        OAuthLogin login,
        IReadOnlyList<string> secrets
    )
    {
        var server = Server(login);
        using var json = Parse(body);
        if (json is not null && Text(json, "error") is { Length: > 0 } error)
            throw Refused(server, error, Text(json, "error_description"), retryAfter, theirTime, secrets);
        if (status != 200)
            throw Failed(server, status, retryAfter, json is null ? Names(body) : "");
        if (json is null)
            throw new TokenException(
                TroubleKind.Protocol,
                $"The token endpoint {server} answered with something else than JSON{Names(body)}."
            );
        if (Text(json, "token_type") is { } type && !type.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            throw new TokenException(TroubleKind.Protocol, $"The token endpoint {server} gave a token of another kind than Bearer.");
        if (Text(json, "access_token") is not { Length: > 0 } token)
            throw new TokenException(TroubleKind.Protocol, $"The token endpoint {server} answered without access_token.");
        if (token.Length > LongestToken || token.AsSpan().ContainsAnyExceptInRange('!', '~'))
            throw new TokenException(TroubleKind.Protocol, $"The token endpoint {server} gave a token that no server could be told.");
        var refresh = Text(json, "refresh_token");
        return new(token, Lasting(json), refresh is { Length: > 0 and <= LongestToken } ? refresh : null);
    }

    public static string Server(OAuthLogin login) => HttpAddress.HostAndPort(login.Endpoint ?? HttpAddress.Unusable);

    public override string ToString() => $"a token for {Lasts.TotalSeconds:0} s";

    private static TokenException Failed(string server, int status, TimeSpan? retryAfter, string what) =>
        status switch
        {
            429 => new(TroubleKind.Throttled, $"The token endpoint {server} says that it is asked too often (429).")
            {
                RetryAfter = retryAfter,
            },
            >= 500 or 408 => new(TroubleKind.Connect, $"The token endpoint {server} answered with HTTP status {status}{what}.")
            {
                RetryAfter = retryAfter,
            },
            >= 300 and < 400 => new(
                TroubleKind.Configuration,
                $"The token endpoint {server} points elsewhere (HTTP status {status}), and that is not followed: set token_url."
            ),
            >= 400 => new(
                TroubleKind.Configuration,
                $"The token endpoint {server} answered with HTTP status {status}{what}: see whether token_url and tenant_id are right."
            ),
            _ => new(TroubleKind.Protocol, $"The token endpoint {server} answered with HTTP status {status}{what}."),
        };

    private static TokenException Refused(
        string server,
        string error,
        string? description,
        TimeSpan? retryAfter,
        DateTimeOffset? theirTime,
        IReadOnlyList<string> secrets
    )
    {
        var kind = error switch
        {
            "temporarily_unavailable" or "server_error" => TroubleKind.Connect,
            "slow_down" => TroubleKind.Throttled,
            _ => TroubleKind.Authentication,
        };
        var whole = string.IsNullOrEmpty(description) ? error : $"{error}: {description}";
        var said = SmtpReply.OneLine(whole);

        // A server may repeat what it was sent; a line that was cut would have only a part of it.
        if (secrets.Any(secret => whole.Contains(secret, StringComparison.Ordinal) || said.Contains(secret, StringComparison.Ordinal)))
            said = "words with a secret in them";
        return new(kind, $"The token endpoint {server} refused: {said.TrimEnd('.')}.{Remedy(error)}")
        {
            RetryAfter = retryAfter,
            TheirTime = theirTime,
        };
    }

    private static string Remedy(string error) =>
        error switch
        {
            "invalid_client" => " The client id or its secret is wrong, or the secret has expired: make a new one.",
            "invalid_grant" =>
                " The refresh token or assertion is expired or revoked, or a clock is wrong: consent again, or set the clock.",
            "unauthorized_client" => " The application may not do this: see its permissions, and for Google its domain-wide delegation.",
            "invalid_scope" => " See scope; Microsoft wants https://outlook.office365.com/.default.",
            _ => "",
        };

    private static TimeSpan Lasting(JsonDocument json)
    {
        if (!json.RootElement.TryGetProperty("expires_in", out var member))
            return Assumed;
        double seconds;
        if (member.ValueKind == JsonValueKind.String)
        {
            if (!double.TryParse(member.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out seconds))
                return Assumed;
        }
        else if (member.ValueKind != JsonValueKind.Number || !member.TryGetDouble(out seconds))
            return Assumed;
        return double.IsNaN(seconds) ? Assumed : TimeSpan.FromSeconds(Math.Clamp(seconds, Least.TotalSeconds, Most.TotalSeconds));
    }

    private static JsonDocument? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            var json = JsonDocument.Parse(body, new() { MaxDepth = 16 });
            if (json.RootElement.ValueKind == JsonValueKind.Object)
                return json;
            json.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonDocument json, string name)
    {
        try
        {
            return json.RootElement.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String
                ? member.GetString()
                : null;
        }
        catch (InvalidOperationException)
        {
            return null; // half of a character
        }
    }

    private static string Names(ReadOnlyMemory<byte> body) =>
        body.Span.TrimStart(" \t\r\n"u8) is [(byte)'<', ..] ? " (a web page)"
        : body.IsEmpty ? " (nothing)"
        : "";
}
