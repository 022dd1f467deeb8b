using System.Buffers;
using System.Buffers.Text;

namespace MailProxy.Pipeline.Notation;

/// <summary>Base64 by RFC 4648 section 4: padded, without blanks and line breaks.</summary>
public static class Base64Text
{
    /// <summary>The rule in words, for error messages.</summary>
    public const string Rule = "Not base64 (RFC 4648 section 4, padded, without line breaks).";

    private static readonly SearchValues<char> Chars = SearchValues.Create(
        "+/0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    );

    /// <param name="bytes">Number of bytes that the text encodes.</param>
    public static bool IsValid(ReadOnlySpan<char> text, out int bytes)
    {
        bytes = 0;
        return !text.ContainsAnyExcept(Chars) && Base64.IsValid(text, out bytes);
    }
}
