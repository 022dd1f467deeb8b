using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Tests.Docs;

/// <summary>The example of docs/guide/webhooks.md, word for word.</summary>
internal static class WebhookVerification
{
    public static bool Check(string secret, string id, string timestamp, string signatures, byte[] body, DateTimeOffset now)
    {
        return IsGenuine(secret, id, timestamp, signatures, body, now);

        // docs/guide/webhooks.md: from here
        static bool IsGenuine(string secret, string id, string timestamp, string signatures, byte[] body, DateTimeOffset now)
        {
            if (!long.TryParse(timestamp, out var sentAt) || Math.Abs(now.ToUnixTimeSeconds() - sentAt) > 300)
                return false;
            byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
            var expected = HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), signed);

            // Several while a secret is being changed, with spaces between.
            return signatures
                .Split(' ')
                .Any(given =>
                    given.StartsWith("v1,")
                    && CryptographicOperations.FixedTimeEquals(
                        Encoding.ASCII.GetBytes(given),
                        Encoding.ASCII.GetBytes("v1," + Convert.ToBase64String(expected))
                    )
                );
        }
        // docs/guide/webhooks.md: to here
    }
}
