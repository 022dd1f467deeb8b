using System.Globalization;

namespace MailProxy.Pipeline.Mail;

/// <summary>How octets of a spool file go out.</summary>
public enum SpooledForm : byte
{
    /// <summary>They are encoded.</summary>
    Base64,

    /// <summary>7-bit lines with CRLF, which have no beginning of a boundary: they may go as they are.</summary>
    Plain,

    /// <summary>A whole message in wire form, its body 7-bit.</summary>
    Raw,

    /// <summary>A whole message in wire form, its body 8-bit.</summary>
    Raw8Bit,
}

/// <summary>
/// What a stored draft has in place of a long string: where its octets are in the message's spool file. It begins with the
/// file's nonce, which
/// was made while the request arrived, so that no text of a client can be one.
/// </summary>
/// <param name="Head">Octets of a raw message's header with the empty line.</param>
public readonly record struct SpooledRef(SpooledForm Form, long Offset, long Length, int Head = 0)
{
    public string ToText(string nonce) => string.Create(CultureInfo.InvariantCulture, $"{nonce}/{(int)Form}/{Offset}/{Length}/{Head}");

    /// <summary>Null: the text is a text of the client.</summary>
    public static SpooledRef? Read(string? text, string nonce)
    {
        if (text is null || text.Length <= nonce.Length || !text.StartsWith(nonce, StringComparison.Ordinal))
            return null;
        return
            text[nonce.Length..].Split('/') is ["", var form, var offset, var length, var head]
            && Number(form) is { } how and >= 0 and <= (int)SpooledForm.Raw8Bit
            && Number(offset) is { } at
            && Number(length) is { } size
            && Number(head) is { } top and <= int.MaxValue
            ? new((SpooledForm)how, at, size, (int)top)
            : throw new FormatException("A reference to the message's spool file cannot be read.");
    }

    private static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
