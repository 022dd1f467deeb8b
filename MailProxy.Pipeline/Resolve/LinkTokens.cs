using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace MailProxy.Pipeline.Resolve;

/// <summary>The tokens of links that this daemon serves: link number and expiry, signed with a key of the installation. Pure.</summary>
internal sealed class LinkTokens
{
    private const int PayloadSize = 16,
        Size = PayloadSize + HMACSHA256.HashSizeInBytes;

    private readonly byte[] _key;

    /// <param name="key">The installation's key; the signing key is derived from it, so that it may sign other things too.</param>
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

    /// <summary>The whole address of a link.</summary>
    public Uri Address(long number, long expiresAt) => new(PublicUrl!, $"d/{Make(number, expiresAt)}");

    public string Make(long number, long expiresAt)
    {
        Span<byte> token = stackalloc byte[Size];
        BinaryPrimitives.WriteInt64BigEndian(token, number);
        BinaryPrimitives.WriteInt64BigEndian(token[8..], expiresAt);
        HMACSHA256.HashData(_key, token[..PayloadSize], token[PayloadSize..]);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>Verifies and reads a token; null when this installation did not sign it.</summary>
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
