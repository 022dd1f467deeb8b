using System.Security.Cryptography;
using System.Text;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// Seals secrets for the store: AES-256-GCM under the first key; opened with any key that is held, so that keys can be rotated.
/// Sealed bytes: version (1), key id (8), nonce (12), tag (16), ciphertext. The head and what the secret belongs to are authenticated,
/// so that a sealed value is worthless in another row. Nonces are random: good for some 2^32 secrets under one key.
/// </summary>
public sealed class SecretBox(IReadOnlyList<MasterKey> keys)
{
    private const byte Version = 1;
    private const int NonceSize = 12,
        TagSize = 16;
    private const int Overhead = HeadSize + NonceSize + TagSize;

    /// <summary>Bytes that tell the key.</summary>
    internal const int HeadSize = 1 + MasterKey.IdSize;

    private readonly MasterKey _first = keys[0];
    private readonly Dictionary<string, MasterKey> _keys = keys.ToDictionary(k => k.Id);

    /// <summary>The id of the key that seals.</summary>
    public string SealingKey => _first.Id;

    /// <summary>Every key held.</summary>
    public IReadOnlyCollection<string> KeyIds => _keys.Keys;

    /// <param name="owner">What the secret belongs to, for example <c>account/3/password</c>.</param>
    public byte[] Seal(string secret, string owner) => SealUnder(_first, secret, owner);

    /// <summary>Seals under one of the keys held: for proofs of older keys.</summary>
    internal byte[] Seal(string secret, string owner, string keyId) => SealUnder(_keys[keyId], secret, owner);

    /// <summary>
    /// Throws <see cref="StoreRefusedException"/> when the key is not held, or when the bytes are damaged or belong elsewhere.
    /// </summary>
    public string Open(ReadOnlySpan<byte> box, string owner)
    {
        if (KeyIdOf(box) is not { } id || box.Length < Overhead)
            throw new StoreRefusedException($"The secret of {owner} is damaged: it is not in a form that this program seals.");
        if (!_keys.TryGetValue(id, out var key))
            throw new StoreRefusedException($"The secret of {owner} is sealed under the key {id}, which is not among the master keys.");

        var secret = new byte[box.Length - Overhead];
        try
        {
            using var aes = new AesGcm(key.Bytes, TagSize);
            aes.Decrypt(
                box.Slice(HeadSize, NonceSize),
                box[Overhead..],
                box.Slice(HeadSize + NonceSize, TagSize),
                secret,
                AssociatedData(box[..HeadSize], owner)
            );
            return Encoding.UTF8.GetString(secret);
        }
        catch (AuthenticationTagMismatchException error)
        {
            throw new StoreRefusedException(
                $"The secret of {owner} is damaged, or belongs to another row: it does not open under the key {id} that it names.",
                error
            );
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Which key sealed it, by its first <see cref="HeadSize"/> bytes; null when this is not a sealed secret.</summary>
    internal static string? KeyIdOf(ReadOnlySpan<byte> box) =>
        box.Length >= HeadSize && box[0] == Version ? Convert.ToHexStringLower(box[1..HeadSize]) : null;

    private static byte[] SealUnder(MasterKey key, string secret, string owner)
    {
        var plain = Encoding.UTF8.GetBytes(secret);
        var box = new byte[Overhead + plain.Length];
        box[0] = Version;
        Convert.FromHexString(key.Id, box.AsSpan(1, MasterKey.IdSize), out _, out _);
        var nonce = box.AsSpan(HeadSize, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key.Bytes, TagSize);
        aes.Encrypt(
            nonce,
            plain,
            box.AsSpan(Overhead),
            box.AsSpan(HeadSize + NonceSize, TagSize),
            AssociatedData(box.AsSpan(0, HeadSize), owner)
        );
        CryptographicOperations.ZeroMemory(plain);
        return box;
    }

    private static byte[] AssociatedData(ReadOnlySpan<byte> head, string owner) => [.. head, .. Encoding.UTF8.GetBytes(owner)];
}
