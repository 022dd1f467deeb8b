using System.Text;
using MimeKit;
using MimeKit.Utils;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// Reads an address that a client wrote. Stricter than RFC 5322: one mailbox with a domain; no groups, routes, comments or control
/// characters.
/// </summary>
public static class Addresses
{
    /// <summary>Longest display name, in characters.</summary>
    private const int MaxName = 998;

    /// <summary>Reads one entry of an address list. Returns null when <paramref name="mailbox"/> is valid.</summary>
    public static AddressFault? Read(AddressDraft draft, out Mailbox mailbox)
    {
        mailbox = default;
        if (draft.Fault is not null)
            return new(draft.FaultAt ?? "", draft.FaultCode ?? "malformed_address", draft.Fault);
        if (draft.Text is not null)
            return Read(draft.Text, out mailbox);
        if (draft.Email is null)
            return new("/email", "malformed_address", "An address needs an email.");
        if (draft.Name is not null && Faults.InText(draft.Name, MaxName) is { } fault)
            return new("/name", fault.Code, fault.Detail);
        if (ReadBare(draft.Email, out mailbox) is { } wrong)
            return wrong with { At = "/email" };
        mailbox = mailbox with { Name = string.IsNullOrWhiteSpace(draft.Name) ? null : draft.Name };
        return null;
    }

    /// <summary>Reads <c>a@x</c> or <c>Ann &lt;a@x&gt;</c>. Returns null when <paramref name="mailbox"/> is valid.</summary>
    public static AddressFault? Read(string text, out Mailbox mailbox)
    {
        mailbox = default;
        if (Faults.InText(text, MaxName + AddrSpec.MaxAddress + 4) is { } fault)
            return new("", fault.Code, fault.Detail);
        var written = text.AsSpan().Trim(' ');
        if (!written.EndsWith(">"))
            return ReadBare(written, out mailbox);

        if (ReadName(written, out var name, out var open) is { } why)
            return new("", "malformed_address", why);
        var wrong = ReadBare(written[(open + 1)..^1], out mailbox);
        if (wrong is null)
            mailbox = mailbox with { Name = name };
        return wrong;
    }

    /// <summary>Reads an address without a display name, such as <c>return_path</c>. Returns null when <paramref name="mailbox"/> is
    /// valid.</summary>
    public static AddressFault? ReadBare(ReadOnlySpan<char> text, out Mailbox mailbox)
    {
        mailbox = default;
        if (Faults.InText(text, int.MaxValue) is { } fault)
            return new("", fault.Code, fault.Detail);
        if (AddrSpec.Read(text.Trim(' '), out var local, out var domain) is { } why)
            return new("", "malformed_address", why);
        mailbox = new(null, local, domain);
        return null;
    }

    /// <summary>The mailboxes of a list that was validated before; an entry that cannot be read is left out.</summary>
    public static IReadOnlyList<Mailbox> ReadAll(AddressList? list)
    {
        if (list is null)
            return [];
        var all = new List<Mailbox>(list.Entries.Count);
        foreach (var entry in list.Entries)
        {
            if (Read(entry, out var mailbox) is null)
                all.Add(mailbox);
        }

        return all;
    }

    /// <summary>The mailboxes of a header's value, in which only display names may be international; null when it is anything
    /// else.</summary>
    internal static IReadOnlyList<Mailbox>? ReadHeader(string value)
    {
        if (!InternetAddressList.TryParse(value, out var list) || list.Count == 0)
            return null;
        var all = new List<Mailbox>(list.Count);
        foreach (var written in list)
        {
            if (written is not MailboxAddress one || ReadBare(one.Address, out var mailbox) is not null || mailbox.NeedsSmtpUtf8)
                return null;
            if (one.Name is { } name && Faults.InText(name, MaxName) is not null)
                return null;
            all.Add(mailbox with { Name = string.IsNullOrWhiteSpace(one.Name) ? null : one.Name });
        }

        return all;
    }

    // A phrase of bare and quoted words up to the angle bracket. A comma, colon or semicolon outside quotes would make it a list or a
    // group.
    private static string? ReadName(ReadOnlySpan<char> text, out string? name, out int open)
    {
        var phrase = new StringBuilder();
        bool quoted = false,
            anyQuoted = false;
        name = null;
        for (open = 0; open < text.Length; open++)
        {
            var c = text[open];
            if (quoted && c == '\\' && open + 1 < text.Length)
                phrase.Append(text[++open]);
            else if (c == '"')
                (quoted, anyQuoted) = (!quoted, true);
            else if (quoted)
                phrase.Append(c);
            else if (c == '<')
                break;
            else if (c is ',' or ';' or ':' or '>')
                return "Write one address; put a name that has commas, colons or semicolons in double quotes.";
            else
                phrase.Append(c);
        }

        if (open == text.Length)
            return "The closing angle bracket has no opening one.";
        var words = phrase.ToString().Trim(' ');

        // Inside quotes, text that looks like an encoded word is literal (RFC 2047 section 5).
        if (!anyQuoted && words.Contains("=?", StringComparison.Ordinal))
            words = Rfc2047.DecodePhrase(Encoding.UTF8.GetBytes(words));
        if (Faults.InText(words, MaxName) is { } fault)
            return fault.Detail;
        name = words.Length == 0 ? null : words;
        return null;
    }
}
