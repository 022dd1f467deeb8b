using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>Encoded words (RFC 2047) in UTF-8, of as many whole characters as fit. Pure.</summary>
internal static class EncodedWords
{
    /// <summary>Octets of one word; section 2.</summary>
    public const int Longest = 75;

    /// <summary>Octets of <c>=?utf-8?q?</c> and <c>?=</c>.</summary>
    private const int Frame = 12;

    // What may stand in a phrase too; section 5, rule 3.
    private static readonly SearchValues<byte> Bare = SearchValues.Create(
        "!*+-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8
    );

    /// <summary>Q for most Latin scripts, where people can read it, B for all others, where it is much shorter.</summary>
    public static bool PrefersQ(ReadOnlySpan<char> text)
    {
        var b = (Encoding.UTF8.GetByteCount(text) + 2) / 3 * 4;
        return 3 * Cost(text, q: true) <= 4 * b;
    }

    /// <summary>
    /// How many chars go into a word of so many octets; 0: not even one character. Cut behind a blank where one is near, never within
    /// a character.
    /// </summary>
    /// <param name="mayPart">May cut what is seen as one character but is several, as happens to those that no word can hold.</param>
    public static int Fit(ReadOnlySpan<char> text, bool q, int octets, bool mayPart = false)
    {
        var most = Space(q, octets);
        int used = 0,
            at = 0,
            behindBlank = 0;
        while (at < text.Length)
        {
            var seen = StringInfo.GetNextTextElementLength(text[at..]);
            var cost = Cost(text.Slice(at, seen), q);
            if (mayPart || cost > Space(q, Longest))
            {
                seen = RuneLength(text[at..]);
                cost = Cost(text.Slice(at, seen), q);
            }

            if (used + cost > most)
                return behindBlank > 0 ? behindBlank : at;
            used += cost;
            at += seen;
            if (text[at - 1] == ' ' && used > most / 2)
                behindBlank = at;
        }

        return at;
    }

    public static void Write(PooledBytes bytes, ReadOnlySpan<char> text, bool q)
    {
        Span<byte> utf8 = stackalloc byte[3 * Longest];
        utf8 = utf8[..Encoding.UTF8.GetBytes(text, utf8)];
        bytes.Write(q ? "=?utf-8?q?"u8 : "=?utf-8?b?"u8);
        var left = bytes.Space(3 * Longest);
        bytes.Advance(q ? Quote(utf8, left) : Base64Encode(utf8, left));
        bytes.Write("?="u8);
    }

    private static int Space(bool q, int octets) => q ? octets - Frame : (octets - Frame) / 4 * 3;

    private static int RuneLength(ReadOnlySpan<char> text)
    {
        Rune.DecodeFromUtf16(text, out _, out var length);
        return length;
    }

    // In octets of the word for Q, of the content for B.
    private static int Cost(ReadOnlySpan<char> text, bool q)
    {
        if (!q)
            return Encoding.UTF8.GetByteCount(text);
        var cost = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var bare = rune.IsAscii && (rune.Value == ' ' || Bare.Contains((byte)rune.Value));
            cost += bare ? 1 : 3 * rune.Utf8SequenceLength;
        }

        return cost;
    }

    private static int Quote(ReadOnlySpan<byte> utf8, Span<byte> into)
    {
        var written = 0;
        foreach (var octet in utf8)
        {
            if (octet == ' ')
                into[written++] = (byte)'_';
            else if (Bare.Contains(octet))
                into[written++] = octet;
            else
            {
                into[written++] = (byte)'=';
                octet.TryFormat(into[written..], out var digits, "X2", CultureInfo.InvariantCulture);
                written += digits;
            }
        }

        return written;
    }

    private static int Base64Encode(ReadOnlySpan<byte> utf8, Span<byte> into)
    {
        Base64.EncodeToUtf8(utf8, into, out _, out var written);
        return written;
    }
}
