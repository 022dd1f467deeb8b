using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace MailProxy.Pipeline.Accounts;

/// <summary>A private key that signs assertions (RFC 7523): in PEM, as PKCS#8 in base64, or in the JSON of Google's key file.</summary>
/// <param name="Pem">The key alone, PKCS#8 in PEM.</param>
/// <param name="Issuer">Whose key it is, when the file says so.</param>
/// <param name="KeyId">The key's name at the provider, when the file says so.</param>
/// <param name="Certificate">DER, when one stands beside the key.</param>
public sealed record OAuthKey(string Pem, string? Issuer, string? KeyId, byte[]? Certificate)
{
    // Signing with a longer one takes seconds.
    private const int LeastBits = 2_048,
        MostBits = 8_192;

    /// <summary>Null and why, when the text is none.</summary>
    public static (OAuthKey? Key, string? Fault) Read(string text)
    {
        try
        {
            return text.TrimStart().StartsWith('{') ? OfFile(text) : (OfText(text, null, null), null);
        }
        catch (Exception error) when (error is ArgumentException or CryptographicException or FormatException or JsonException)
        {
            return (null, "Must be an unencrypted RSA private key of 2,048 to 8,192 bits: PEM, PKCS#8 in base64, or Google's key file.");
        }
    }

    public override string ToString() => "a private key";

    private static (OAuthKey?, string?) OfFile(string text)
    {
        using var file = JsonDocument.Parse(text, new() { MaxDepth = 8 });
        string? Of(string name) =>
            file.RootElement.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
        if (Of("type") is not "service_account")
            return (null, "Must be the key file of a service account (\"type\": \"service_account\").");
        return Of("client_email") is { Length: > 0 } issuer && Of("private_key") is { } key
            ? (OfText(key, issuer, Of("private_key_id")), null)
            : (null, "Must have client_email and private_key, as the key file of a service account has.");
    }

    private static OAuthKey OfText(string text, string? issuer, string? keyId)
    {
        using var rsa = RSA.Create();
        if (text.Contains("-----BEGIN", StringComparison.Ordinal))
            rsa.ImportFromPem(text);
        else
            rsa.ImportPkcs8PrivateKey(Convert.FromBase64String(text), out _);
        if (rsa.KeySize is < LeastBits or > MostBits)
            throw new CryptographicException("The key is too short or too long.");
        return new(rsa.ExportPkcs8PrivateKeyPem(), issuer, keyId, CertificateIn(text));
    }

    private static byte[]? CertificateIn(string text)
    {
        if (!text.Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal))
            return null;
        using var certificate = X509Certificate2.CreateFromPem(text);
        return certificate.RawData;
    }
}
