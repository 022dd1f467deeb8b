using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>Hashes long strings that are in a file as <see cref="ContentHash"/> hashes those in memory, block by block.</summary>
internal static class SpooledHash
{
    /// <param name="last">The last four characters as they were written; null: as an encoder writes them.</param>
    public static void Base64(IncrementalHash sha, string field, SpooledStrings spooled, long offset, long length, string? last)
    {
        ContentHash.Framed(sha, field, checked((int)((length + 2) / 3 * 4)));
        var text = Array.Empty<char>();
        var left = length;
        spooled.Read(
            offset,
            length,
            octets =>
            {
                if (text.Length < octets.Length / 3 * 4 + 4)
                    text = new char[(octets.Length / 3 * 4) + 4];
                Convert.TryToBase64Chars(octets, text, out var written);
                left -= octets.Length;
                if (left == 0)
                    last?.CopyTo(text.AsSpan(written - last.Length));
                ContentHash.AppendText(sha, text.AsSpan(0, written));
            }
        );
    }

    public static void Text(IncrementalHash sha, string field, SpooledStrings spooled, SpooledString text)
    {
        ContentHash.Framed(sha, field, text.Chars);
        var decoder = Encoding.UTF8.GetDecoder();
        var chars = Array.Empty<char>();
        spooled.Read(
            text.Offset,
            text.Length,
            octets =>
            {
                if (chars.Length < octets.Length + 4)
                    chars = new char[octets.Length + 4];
                var count = decoder.GetChars(octets, chars, flush: false);
                ContentHash.AppendText(sha, chars.AsSpan(0, count));
            }
        );
    }
}
