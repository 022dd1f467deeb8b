using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// A 256-bit key that secrets are sealed under. Its id is derived from the key, so that a wrong key is recognised as another one before
/// anything is opened.
/// </summary>
public sealed class MasterKey
{
    /// <summary>Bytes of a key.</summary>
    public const int Size = 32;

    /// <summary>Bytes of an id.</summary>
    internal const int IdSize = 8;

    private readonly byte[] _key;

    private MasterKey(byte[] key)
    {
        _key = key;
        Id = Convert.ToHexStringLower(HMACSHA256.HashData(key, "mailproxy master key id"u8)[..IdSize]);
    }

    /// <summary>16 hexadecimal digits; says nothing about the key itself.</summary>
    public string Id { get; }

    internal ReadOnlySpan<byte> Bytes => _key;

    public static MasterKey Generate() => new(RandomNumberGenerator.GetBytes(Size));

    /// <summary>
    /// Reads one or more keys (base64 of 32 bytes, or 64 hexadecimal digits) with commas or white space between. Null when there is none,
    /// or when one is malformed.
    /// </summary>
    public static IReadOnlyList<MasterKey>? ParseList(string text)
    {
        var keys = new List<MasterKey>();
        foreach (var word in text.Split([',', ' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (Parse(word) is not { } key)
                return null;
            if (!keys.Exists(k => k.Id == key.Id))
                keys.Add(key);
        }

        return keys.Count > 0 ? keys : null;
    }

    /// <summary>The key as a line of <c>master.key</c>.</summary>
    internal byte[] ToFileContent() => Encoding.ASCII.GetBytes(Convert.ToBase64String(_key) + "\n");

    private static MasterKey? Parse(string word)
    {
        var key = new byte[Size];
        if (word.Length == 2 * Size)
            return Convert.FromHexString(word, key, out _, out var written) == System.Buffers.OperationStatus.Done && written == Size
                ? new(key)
                : null;
        return Convert.TryFromBase64String(word, key, out var bytes) && bytes == Size ? new(key) : null;
    }

    public override string ToString() => Id;
}
