using System.Buffers.Binary;
using System.Globalization;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Resolve;

/// <summary>The hashes of content: SHA-256, which names it, and MD5, which clients of the old notation claim.</summary>
internal readonly record struct ContentDigest(UInt128 High, UInt128 Low, UInt128 Md5)
{
    private const int ShaDigits = 64,
        Md5Digits = 32;

    /// <summary>File name of the content in the cache.</summary>
    public string FileName => $"{High:x32}{Low:x32}-{Md5:x32}";

    public string Sha256Text => $"{High:x32}{Low:x32}";

    public string Md5Text => $"{Md5:x32}";

    public static ContentDigest Of(ReadOnlySpan<byte> sha256, ReadOnlySpan<byte> md5) =>
        new(
            BinaryPrimitives.ReadUInt128BigEndian(sha256),
            BinaryPrimitives.ReadUInt128BigEndian(sha256[16..]),
            BinaryPrimitives.ReadUInt128BigEndian(md5)
        );

    /// <summary>The two halves of a SHA-256 hash.</summary>
    public static (UInt128 High, UInt128 Low) Sha(ReadOnlySpan<byte> sha256) =>
        (BinaryPrimitives.ReadUInt128BigEndian(sha256), BinaryPrimitives.ReadUInt128BigEndian(sha256[16..]));

    public static bool TryParse(ReadOnlySpan<char> name, out ContentDigest digest)
    {
        digest = default;
        if (name.Length != ShaDigits + 1 + Md5Digits || name[ShaDigits] != '-')
            return false;
        if (!Hex(name[..32], out var high) || !Hex(name[32..ShaDigits], out var low) || !Hex(name[(ShaDigits + 1)..], out var md5))
            return false;
        digest = new(high, low, md5);
        return true;
    }

    /// <summary>How this content differs from what the message claims; null when it matches.</summary>
    public string? Contradiction(AttachmentRef claimed, long size)
    {
        if (claimed.Size is { } length && length != size)
            return $"it has {size} bytes, the message says {length}";
        if (claimed.Sha256 is { } sha && Sha(sha) != (High, Low))
            return $"its SHA-256 is {Sha256Text}, the message says {Convert.ToHexStringLower(sha)}";
        if (claimed.Md5 is { } md5 && BinaryPrimitives.ReadUInt128BigEndian(md5) != Md5)
            return $"its MD5 is {Md5Text}, the message says {Convert.ToHexStringLower(md5)}";
        return null;
    }

    private static bool Hex(ReadOnlySpan<char> digits, out UInt128 value) =>
        UInt128.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
