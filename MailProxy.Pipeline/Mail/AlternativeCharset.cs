using System.Text;
using MimeKit;

namespace MailProxy.Pipeline.Mail;

/// <summary>The charset of an alternative body. Pure.</summary>
internal static class AlternativeCharset
{
    /// <summary>UTF-8 unless the content type names another charset; null when that one is not supported.</summary>
    public static Encoding? Of(ContentType type) =>
        type.Charset?.ToLowerInvariant() switch
        {
            null or "" or "utf-8" or "utf8" => Encoding.UTF8,
            "us-ascii" or "ascii" => Encoding.ASCII,
            "iso-8859-1" or "latin1" => Encoding.Latin1,
            _ => null,
        };

    /// <summary>Whether the charset can represent every character of the text.</summary>
    public static bool Holds(Encoding charset, string text) =>
        charset == Encoding.UTF8 || !text.AsSpan().ContainsAnyExceptInRange('\0', charset == Encoding.ASCII ? '\x7F' : '\xFF');
}
