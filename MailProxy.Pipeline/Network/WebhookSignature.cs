using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Network;

/// <summary>Signs requests as Standard Webhooks 1.0 requires: HMAC-SHA256 over "id.timestamp.body".</summary>
public static class WebhookSignature
{
    private const string Prefix = "whsec_";

    /// <summary>A new secret of 32 random bytes.</summary>
    public static string NewSecret() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>The key in a secret; null when the secret is not <c>whsec_</c> and base64.</summary>
    public static byte[]? Key(string secret)
    {
        if (!secret.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var key = new byte[secret.Length];
        return Convert.TryFromBase64String(secret[Prefix.Length..], key, out var length) && length > 0 ? key[..length] : null;
    }

    /// <summary>The value of <c>webhook-signature</c>: one signature per key, separated by spaces.</summary>
    /// <param name="timestamp">Unix seconds, the same as in <c>webhook-timestamp</c>.</param>
    public static string Sign(IReadOnlyList<byte[]> keys, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        var signatures = new string[keys.Count];
        for (var i = 0; i < signatures.Length; i++)
            signatures[i] = Sign(keys[i], id, timestamp, body);
        return string.Join(' ', signatures);
    }

    public static string Sign(byte[] key, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        hash.AppendData(body);
        return "v1," + Convert.ToBase64String(hash.GetHashAndReset());
    }
}
