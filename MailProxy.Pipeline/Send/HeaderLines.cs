using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Mail;
using MimeKit;

namespace MailProxy.Pipeline.Send;

/// <summary>Writes header fields. What is short and plain, as most is, goes out as it stands; MimeKit folds and encodes the rest.</summary>
internal readonly struct HeaderLines(PooledBytes bytes, FormatOptions format)
{
    /// <summary>RFC 5322 section 2.1.1: lines should not be longer.</summary>
    private const int Line = 78;

    private static readonly SearchValues<char> Words = SearchValues.Create(" 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    private static readonly SearchValues<char> DotString = SearchValues.Create("!#$%&'*+-./0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~");

    /// <summary>A value that nobody may fold or encode.</summary>
    public void Exact(string name, string value)
    {
        Put(name);
        bytes.Write(": "u8);
        Put(value);
        bytes.Write("\r\n"u8);
    }

    /// <summary>Free text (RFC 2047).</summary>
    public void Text(string name, string value)
    {
        if (IsPlain(name, value))
        {
            Exact(name, value);
            return;
        }

        new HeaderList { new Header(Encoding.UTF8, name, value) }.WriteTo(format, bytes);
        bytes.Advance(-2); // the empty line that ends a header
    }

    /// <summary>A list of mailboxes (RFC 5322 section 3.4).</summary>
    public void Mailboxes(string name, IReadOnlyList<Mailbox> mailboxes)
    {
        // As an exact value, since MimeKit's own way would write international local parts as question marks.
        if (mailboxes is [var only] && IsPlain(name, only)) Exact(name, only.Name is null ? only.Address : $"{only.Name} <{only.Address}>");
        else Exact(name, new InternetAddressList(mailboxes.Select(static m => m.ToMime())).ToString(format, encode: true));
    }

    private static bool IsPlain(string name, string value) =>
        name.Length + 2 + value.Length <= Line
        && value.Length > 0 && value[0] != ' ' && value[^1] != ' '
        && !value.AsSpan().ContainsAnyExceptInRange(' ', '~')
        && !value.Contains("=?", StringComparison.Ordinal);

    private static bool IsPlain(string name, Mailbox mailbox) =>
        name.Length + 2 + (mailbox.Name?.Length ?? 0) + 3 + mailbox.LocalPart.Length + 1 + mailbox.Domain.Length <= Line
        && (mailbox.Name is null || (!mailbox.Name.AsSpan().ContainsAnyExcept(Words) && IsPlain("", mailbox.Name)))
        && !mailbox.LocalPart.AsSpan().ContainsAnyExcept(DotString)
        && !mailbox.Domain.AsSpan().ContainsAnyExcept(DotString)
        && !mailbox.Domain.Contains("xn--", StringComparison.OrdinalIgnoreCase);

    private void Put(string text)
    {
        var room = bytes.Room(Encoding.UTF8.GetMaxByteCount(text.Length));
        bytes.Advance(Encoding.UTF8.GetBytes(text, room));
    }
}
