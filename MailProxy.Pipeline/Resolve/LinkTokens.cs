using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace MailProxy.Pipeline.Resolve;

/// <summary>The tokens of links that this daemon serves: number and expiry, signed with the installation's own key. Pure.</summary>
internal sealed class LinkTokens
{
    private const int PayloadSize = 16,
        Size = PayloadSize + HMACSHA256.HashSizeInBytes;

    private readonly byte[] _key;

    /// <param name="key">The installation's; what is used here is derived from it, so that it may sign other things too.</param>
    /// <param name="publicUrl">Where the daemon is reached from outside; null: links to it cannot be made.</param>
    public LinkTokens(ReadOnlyMemory<byte> key, Uri? publicUrl)
    {
        _key = HKDF.DeriveKey(
            HashAlgorithmName.SHA256,
            key.ToArray(),
            HMACSHA256.HashSizeInBytes,
            info: "mailproxy download link"u8.ToArray()
        );
        PublicUrl = publicUrl is null || publicUrl.AbsoluteUri.EndsWith('/') ? publicUrl : new(publicUrl.AbsoluteUri + "/");
    }

    public Uri? PublicUrl { get; }

    /// <summary>The whole link.</summary>
    public Uri Address(long number, long expiresAt) => new(PublicUrl!, $"d/{Make(number, expiresAt)}");

    public string Make(long number, long expiresAt)
    {
        Span<byte> token = stackalloc byte[Size];
        BinaryPrimitives.WriteInt64BigEndian(token, number);
        BinaryPrimitives.WriteInt64BigEndian(token[8..], expiresAt);
        HMACSHA256.HashData(_key, token[..PayloadSize], token[PayloadSize..]);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Null: not one of ours.</summary>
    public (long Number, long ExpiresAt)? Read(string text)
    {
        Span<byte> token = stackalloc byte[Size];
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        if (
            text.Length != Base64Url.GetEncodedLength(Size)
            || !Base64Url.IsValid(text)
            || !Base64Url.TryDecodeFromChars(text, token, out var length)
            || length != Size
        )
            return null;
        HMACSHA256.HashData(_key, token[..PayloadSize], expected);
        if (!CryptographicOperations.FixedTimeEquals(expected, token[PayloadSize..]))
            return null;
        return (BinaryPrimitives.ReadInt64BigEndian(token), BinaryPrimitives.ReadInt64BigEndian(token[8..]));
    }
}
