using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Opens what genro-mail-proxy sealed: <c>ENC:</c> and base64 of nonce, ciphertext and tag (AES-256-GCM).</summary>
/// <param name="written">The key as the old service had it in its environment; null: it had none.</param>
internal sealed class OldSecrets(string? written)
{
    public const string Variable = "MAIL_PROXY_ENCRYPTION_KEY";

    private const string Prefix = "ENC:";

    private const int KeySize = 32,
        NonceSize = 12,
        TagSize = 16;

    private readonly Lazy<byte[]> _key = new(() => Key(written));

    /// <summary>What was sealed, or the text as it is when nobody sealed it. Throws <see cref="ImportRefusedException"/>.</summary>
    /// <param name="whose">For the refusal: <c>account acme/main</c>.</param>
    public string? Open(string? text, string whose)
    {
        if (text?.StartsWith(Prefix, StringComparison.Ordinal) != true)
            return text;
        var key = _key.Value;
        var sealedBytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text[Prefix.Length..], sealedBytes, out var length) || length < NonceSize + TagSize)
            throw new ImportRefusedException(
                $"The secret of {whose} is damaged: genro-mail-proxy never sealed in such a form. Set it anew there, or empty it."
            );
        var octets = sealedBytes.AsSpan(0, length);
        var plain = new byte[length - NonceSize - TagSize];
        try
        {
            using var aes = new AesGcm(key, TagSize);
            aes.Decrypt(octets[..NonceSize], octets[NonceSize..^TagSize], octets[^TagSize..], plain);
            return Encoding.UTF8.GetString(plain);
        }
        catch (AuthenticationTagMismatchException error)
        {
            throw new ImportRefusedException(
                $"The secret of {whose} does not open under the key in {Variable}: set the key that the old service had.",
                error
            );
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    private static byte[] Key(string? written)
    {
        if (string.IsNullOrWhiteSpace(written))
            throw new ImportRefusedException(
                $"The database holds sealed secrets, and {Variable} is not set: set it to the key that the old service had (base64)."
            );
        var key = new byte[written.Length];
        if (!Convert.TryFromBase64String(written.Trim(), key, out var length) || length != KeySize)
            throw new ImportRefusedException($"{Variable} is not {KeySize} bytes in base64: set it to the key that the old service had.");
        return key[..KeySize];
    }
}
