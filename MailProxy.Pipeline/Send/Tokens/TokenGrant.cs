using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Send.Tokens;

/// <summary>What is posted to a token endpoint. Pure, but for the signature's own time.</summary>
internal static class TokenGrant
{
    private const string JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private const string ClientAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    // Providers take an hour at most; a clock that is ahead of theirs costs some of it.
    private const int AssertionSeconds = 1_800;

    /// <summary>Whether our clock is part of what is asked.</summary>
    public static bool IsSigned(OAuthLogin login) => login is { PrivateKey: not null } or { ServiceAccountKey: not null };

    /// <param name="user">Whom the account logs in as.</param>
    /// <param name="refreshToken">The refresh token as it is now; null: there is none.</param>
    /// <param name="now">The time as the server has it, Unix seconds.</param>
    /// <param name="unique">Makes an assertion another than those before.</param>
    public static IReadOnlyList<KeyValuePair<string, string>> Form(
        OAuthLogin login,
        string user,
        string? refreshToken,
        long now,
        string unique
    )
    {
        var form = new List<KeyValuePair<string, string>>();
        void Add(string name, string? value)
        {
            if (value is not null)
                form.Add(new(name, value));
        }

        if (login.ServiceAccountKey is not null || login is { PrivateKey: not null, Subject: not null, Preset: null })
        {
            Add("grant_type", JwtBearer);
            Add("assertion", OfSubject(login, user, now));
            if (login.ServiceAccountKey is null)
                Add("scope", login.WantedScope);
            return form;
        }

        Add("grant_type", refreshToken is null ? "client_credentials" : "refresh_token");
        Add("refresh_token", refreshToken);
        Add("scope", login.WantedScope);
        Add("client_id", login.ClientId);
        Add("client_secret", login.ClientSecret);
        if (login.PrivateKey is { } key)
        {
            Add("client_assertion_type", ClientAssertion);
            Add("client_assertion", OfClient(login, key, now, unique));
        }

        return form;
    }

    private static string OfSubject(OAuthLogin login, string user, long now)
    {
        var key = Key(login.ServiceAccountKey ?? login.PrivateKey!);
        var claims = new JsonObject
        {
            ["iss"] = key.Issuer ?? login.ClientId,
            ["sub"] = login.Subject ?? user,
            ["aud"] = login.Endpoint!.AbsoluteUri,
            ["iat"] = now,
            ["exp"] = now + AssertionSeconds,
        };
        if (login.WantedScope is { } scope)
            claims["scope"] = scope;
        return Signed(key, claims);
    }

    private static string OfClient(OAuthLogin login, string text, long now, string unique) =>
        Signed(
            Key(text),
            new()
            {
                ["iss"] = login.ClientId,
                ["sub"] = login.ClientId,
                ["aud"] = login.Endpoint!.AbsoluteUri,
                ["jti"] = unique,
                ["nbf"] = now,
                ["iat"] = now,
                ["exp"] = now + AssertionSeconds,
            }
        );

    private static OAuthKey Key(string text) =>
        OAuthKey.Read(text).Key ?? throw new TokenException(Flow.TroubleKind.Configuration, "The account's private key cannot be read.");

    private static string Signed(OAuthKey key, JsonObject claims)
    {
        var header = new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT" };
        if (key.KeyId is { } id)
            header["kid"] = id;
        if (key.Certificate is { } certificate)
        {
            // What Microsoft knows the key by (RFC 7515 section 4.1.7 names this digest).
            header["x5t"] = Base64Url.EncodeToString(SHA1.HashData(certificate));
            header["x5t#S256"] = Base64Url.EncodeToString(SHA256.HashData(certificate));
        }

        var text = $"{Encoded(header)}.{Encoded(claims)}";
        using var rsa = RSA.Create();
        rsa.ImportFromPem(key.Pem);
        var signature = rsa.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{text}.{Base64Url.EncodeToString(signature)}";
    }

    private static string Encoded(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));
}
