using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>Writes header fields (RFC 5322, RFC 2047). What is short and plain, as most is, goes out as it stands.</summary>
/// <param name="international">The mail needs SMTPUTF8, so UTF-8 may stand in its headers (RFC 6532).</param>
internal readonly struct HeaderLines(PooledBytes bytes, bool international)
{
    private static readonly SearchValues<char> Words = SearchValues.Create(
        " 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    );
    private static readonly SearchValues<char> DotString = SearchValues.Create(
        "!#$%&'*+-./0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~"
    );

    /// <summary>A value that nobody may fold or encode.</summary>
    public void Exact(string name, string value)
    {
        Put(name);
        bytes.Write(": "u8);
        Put(value);
        bytes.Write("\r\n"u8);
    }

    /// <summary>A client's header, by what is known of its name.</summary>
    public void Client(string name, string value)
    {
        if (IsPlain(name, value))
        {
            Exact(name, value);
            return;
        }

        switch (HeaderFields.SyntaxOf(name))
        {
            case HeaderSyntax.Tokens when Ascii.IsValid(value):
                Tokens(name, value);
                break;
            case HeaderSyntax.Urls when HeaderFields.UrlsAsAscii(value) is { } ascii:
                Tokens(name, ascii);
                break;
            case HeaderSyntax.PhraseAndToken when ListIds.TryRead(value, out var phrase, out var id):
                Phrase(name, phrase, id);
                break;
            case HeaderSyntax.Mailboxes when !Ascii.IsValid(value) && Addresses.ReadHeader(value) is { } mailboxes:
                Mailboxes(name, mailboxes);
                break;
            case HeaderSyntax.Mailboxes or HeaderSyntax.PhraseAndToken when Ascii.IsValid(value):
                Tokens(name, value);
                break;
            default:
                Text(name, value);
                break;
        }
    }

    /// <summary>Free text.</summary>
    public void Text(string name, string value)
    {
        if (IsPlain(name, value))
        {
            Exact(name, value);
            return;
        }

        var (from, to) = EncodedText.Part(name.Length + 2, value, international);
        var field = new FoldedField(bytes, name, hasWords: from < to);
        if (from < to)
        {
            // One blank parts an encoded word from what stands before; more of them are its own.
            var gap = Literal(ref field, value.AsSpan(0, from));
            field.Words(gap[..Math.Min(1, gap.Length)], value.AsSpan((from - Math.Max(0, gap.Length - 1))..to));
        }

        Literal(ref field, value.AsSpan(to));
        field.End();
    }

    /// <summary>A list of mailboxes (RFC 5322 section 3.4), their domains as A-labels.</summary>
    public void Mailboxes(string name, IReadOnlyList<Mailbox> mailboxes)
    {
        if (mailboxes is [var only] && IsPlain(name, only))
        {
            Exact(name, only.Name is null ? only.Address : $"{only.Name} <{only.Address}>");
            return;
        }

        var field = new FoldedField(bytes, name, hasWords: true);
        for (var i = 0; i < mailboxes.Count; i++)
        {
            var mailbox = mailboxes[i];
            var comma = i < mailboxes.Count - 1 ? "," : "";
            var blank = i > 0 ? " " : "";
            if (mailbox.Name is { } shown)
                Phrases.Write(ref field, blank, shown, international);
            field.Token(mailbox.Name is null ? blank : " ", mailbox.Name is null ? mailbox.Address + comma : $"<{mailbox.Address}>{comma}");
        }

        field.End();
    }

    private void Phrase(string name, string phrase, string token)
    {
        var field = new FoldedField(bytes, name, hasWords: true);
        if (phrase.Length > 0)
            Phrases.Write(ref field, "", phrase, international);
        field.Token(phrase.Length > 0 ? " " : "", token);
        field.End();
    }

    // Blanks at the ends mean nothing here.
    private void Tokens(string name, string value)
    {
        var field = new FoldedField(bytes, name, hasWords: false);
        Literal(ref field, value.AsSpan().Trim(" \t"));
        field.End();
    }

    // Gives back the blanks at the end.
    private static ReadOnlySpan<char> Literal(ref FoldedField field, ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> blanks;
        while (HeaderFields.TryTake(ref text, out blanks, out var token))
            field.Token(blanks, token);
        return blanks;
    }

    private static bool IsPlain(string name, string value) =>
        name.Length + 2 + value.Length <= FoldedField.Line
        && value.Length > 0
        && value[0] != ' '
        && value[^1] != ' '
        && !value.AsSpan().ContainsAnyExceptInRange(' ', '~')
        && !value.Contains("=?", StringComparison.Ordinal);

    private static bool IsPlain(string name, Mailbox mailbox) =>
        name.Length + 2 + (mailbox.Name?.Length ?? 0) + 3 + mailbox.LocalPart.Length + 1 + mailbox.Domain.Length <= FoldedField.Line
        && (mailbox.Name is null || IsPlain(mailbox.Name))
        && !mailbox.LocalPart.AsSpan().ContainsAnyExcept(DotString)
        && !mailbox.Domain.AsSpan().ContainsAnyExcept(DotString);

    // Words with one blank between them.
    private static bool IsPlain(string phrase) =>
        !phrase.AsSpan().ContainsAnyExcept(Words) && IsPlain("", phrase) && !phrase.Contains("  ", StringComparison.Ordinal);

    private void Put(string text)
    {
        var left = bytes.Space(Encoding.UTF8.GetMaxByteCount(text.Length));
        bytes.Advance(Encoding.UTF8.GetBytes(text, left));
    }
}
