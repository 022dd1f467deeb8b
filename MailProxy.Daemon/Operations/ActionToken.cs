using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Operations;

/// <summary>What an operation would do, as it was shown to a client.</summary>
/// <param name="Id">The id that the operation will have, so that it begins once however often it is asked for.</param>
/// <param name="AskedAt">Unix milliseconds.</param>
/// <param name="Through">The newest message that there was.</param>
internal sealed record ActionPreview(
    string Id,
    string Tenant,
    BulkAction Action,
    string Search,
    OperationDetails Details,
    long AskedAt,
    long Through,
    long Expected
);

/// <summary>
/// A token that carries a preview: sealed, since it tells how many messages all tenants have, and valid in one generation of the store.
/// </summary>
internal sealed class ActionToken(StoreGenerations generations)
{
    private static readonly int NonceSize = AesGcm.NonceByteSizes.MaxSize;
    private static readonly int TagSize = AesGcm.TagByteSizes.MaxSize;

    /// <summary>How long a preview may be acted on.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromMinutes(15);

    /// <summary>Characters that a token has at most; a search of other than ASCII characters takes twelve octets for two of them.</summary>
    public const int MaxLength = 16_384;

    private readonly byte[] _key = HMACSHA256.HashData(generations.Current.Key, "operation"u8);

    public string Write(ActionPreview preview)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes(preview, OperationJson.Default.ActionPreview);
        var token = new byte[NonceSize + TagSize + text.Length];
        RandomNumberGenerator.Fill(token.AsSpan(0, NonceSize));
        using var aes = new AesGcm(_key, TagSize);
        aes.Encrypt(token.AsSpan(0, NonceSize), text, token.AsSpan(NonceSize + TagSize), token.AsSpan(NonceSize, TagSize));
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Null: it is none of this store's, or was changed.</summary>
    public ActionPreview? Read(string token)
    {
        if (!Base64Url.IsValid(token))
            return null;
        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length < NonceSize + TagSize)
            return null;
        var text = new byte[bytes.Length - NonceSize - TagSize];
        try
        {
            using var aes = new AesGcm(_key, TagSize);
            aes.Decrypt(bytes.AsSpan(0, NonceSize), bytes.AsSpan(NonceSize + TagSize), bytes.AsSpan(NonceSize, TagSize), text);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        return JsonSerializer.Deserialize(text, OperationJson.Default.ActionPreview);
    }
}
