using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>Whom a link lets unsubscribe from whose mail.</summary>
/// <param name="TenantNumber">That of the tenant's store: one that is made later under the same id has another.</param>
public sealed record UnsubscribeLink(int TenantNumber, MessageKey Message, string Address);

/// <summary>
/// The links of this daemon with which a recipient unsubscribes (RFC 8058). A token is sealed (AES-GCM) with a key of the installation: it
/// cannot be made by others, says nothing to who sees it in a log, and is all that is needed when the message's record is gone. The nonce
/// comes from what is sealed, so that each attempt of a message has the same octets. Pure, but for the tenants there are.
/// </summary>
public sealed class UnsubscribeLinks
{
    private const int Nonce = 12,
        Tag = 16,
        MostPlain = 600;

    // A link has to fit on one line of a header (RFC 5322: 998 octets).
    private const int MostPublicUrl = 200;

    private readonly byte[] _key,
        _nonceKey;
    private readonly Uri? _publicUrl;
    private readonly Func<string, int?> _numberOf;

    /// <param name="key">The installation's key; those used here are derived from it.</param>
    /// <param name="publicUrl">Where the daemon is reached from outside; null: nobody said.</param>
    /// <param name="numberOf">The number of a tenant; null: there is none of this id.</param>
    public UnsubscribeLinks(ReadOnlyMemory<byte> key, Uri? publicUrl, Func<string, int?> numberOf)
    {
        (_key, _nonceKey) = (Derive(key, "mailproxy unsubscribe link"), Derive(key, "mailproxy unsubscribe nonce"));
        _publicUrl = publicUrl is null || publicUrl.AbsoluteUri.EndsWith('/') ? publicUrl : new(publicUrl.AbsoluteUri + "/");
        _numberOf = numberOf;
    }

    /// <summary>Why there can be no links, as a sentence; null: there can.</summary>
    public string? Missing =>
        _publicUrl is null ? "The installation has no address that recipients reach: the operator sets Api:PublicUrl."
        : _publicUrl.Scheme != Uri.UriSchemeHttps ? "RFC 8058 wants https: the operator sets Api:PublicUrl to an https address."
        : _publicUrl.AbsoluteUri.Length > MostPublicUrl ? $"Api:PublicUrl has more than {MostPublicUrl} characters."
        : null;

    /// <summary>The whole address of a link.</summary>
    /// <exception cref="InvalidOperationException">There can be none, or there is no such tenant.</exception>
    public string Address(MessageKey message, string address)
    {
        if (Missing is { } why)
            throw new InvalidOperationException(why);
        var number = _numberOf(message.Tenant) ?? throw new InvalidOperationException($"There is no tenant {message.Tenant}.");
        return new Uri(_publicUrl!, $"u/{Seal(new(number, message, address))}").AbsoluteUri;
    }

    public string Seal(UnsubscribeLink link)
    {
        Span<byte> plain = stackalloc byte[MostPlain];
        BinaryPrimitives.WriteInt32BigEndian(plain, link.TenantNumber);
        var length = 4;
        length += Put(plain[length..], link.Message.Tenant);
        length += Put(plain[length..], link.Message.Id);
        length += Encoding.UTF8.GetBytes(link.Address, plain[length..]);
        plain = plain[..length];

        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_nonceKey, plain, mac);
        var token = new byte[Nonce + Tag + length];
        mac[..Nonce].CopyTo(token);
        using var aes = new AesGcm(_key, Tag);
        aes.Encrypt(mac[..Nonce], plain, token.AsSpan(Nonce + Tag), token.AsSpan(Nonce, Tag));
        return Base64Url.EncodeToString(token);
    }

    /// <summary>What a token says; null: this installation did not make it, or its tenant is gone.</summary>
    public UnsubscribeLink? Read(string text)
    {
        Span<byte> token = stackalloc byte[Nonce + Tag + MostPlain];
        if (
            text.Length > Base64Url.GetEncodedLength(token.Length)
            || !Base64Url.IsValid(text)
            || !Base64Url.TryDecodeFromChars(text, token, out var length)
            || length < Nonce + Tag + 6
        )
            return null;
        Span<byte> plain = stackalloc byte[length - Nonce - Tag];
        using var aes = new AesGcm(_key, Tag);
        try
        {
            aes.Decrypt(token[..Nonce], token[(Nonce + Tag)..length], token.Slice(Nonce, Tag), plain);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        var rest = (ReadOnlySpan<byte>)plain[4..];
        var message = new MessageKey(Take(ref rest), Take(ref rest));
        var link = new UnsubscribeLink(BinaryPrimitives.ReadInt32BigEndian(plain), message, Encoding.UTF8.GetString(rest));
        return _numberOf(message.Tenant) == link.TenantNumber ? link : null;
    }

    // Names are ASCII, and bounded far below 255.
    private static int Put(Span<byte> into, string name)
    {
        into[0] = (byte)Encoding.UTF8.GetBytes(name, into[1..]);
        return 1 + into[0];
    }

    private static string Take(ref ReadOnlySpan<byte> rest)
    {
        var name = Encoding.UTF8.GetString(rest.Slice(1, rest[0]));
        rest = rest[(1 + rest[0])..];
        return name;
    }

    private static byte[] Derive(ReadOnlyMemory<byte> key, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key.ToArray(), 32, info: Encoding.ASCII.GetBytes(purpose));
}
