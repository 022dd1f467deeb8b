using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>The mailbox grammar of RFC 5321 4.1.2, extended by RFC 6531 to international local parts and domains.</summary>
internal static class AddrSpec
{
    /// <summary>Octets; RFC 5321 4.5.3.1.1.</summary>
    public const int MaxLocalPart = 64;

    /// <summary>Octets; RFC 5321 4.5.3.1.2.</summary>
    public const int MaxDomain = 255;

    /// <summary>Octets. A path has at most 256, including its angle brackets; RFC 5321 4.5.3.1.3.</summary>
    public const int MaxAddress = 254;

    private static readonly SearchValues<char> AtextAscii = SearchValues.Create(
        "!#$%&'*+-/0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~"
    );
    private static readonly SearchValues<char> Ldh = SearchValues.Create("-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Returns null when <paramref name="local"/> and <paramref name="domain"/> are valid, otherwise the reason.</summary>
    public static string? Read(ReadOnlySpan<char> text, out string local, out string domain)
    {
        local = domain = "";
        if (text.IsEmpty)
            return "The address is empty.";

        // Checked before the domain is converted, because that takes time quadratic in the length.
        if (text.Length > 2 * MaxAddress)
            return "The address is too long.";
        var end = text[0] == '"' ? EndOfQuoted(text) : text.IndexOf('@');
        if (end < 0 || end >= text.Length || text[end] != '@')
            return "A domain is required: name@domain.";

        var why = text[0] == '"' ? QuotedLocal(text[1..(end - 1)], out local) : DotAtom(text[..end], out local);
        if (why is not null)
            return why;
        if (Encoding.UTF8.GetByteCount(local) > MaxLocalPart)
            return "The part before @ is longer than 64 octets.";

        why = text[(end + 1)..] is ['[', .. var literal, ']'] ? Literal(literal, out domain) : Name(text[(end + 1)..], out domain);
        if (why is not null)
            return why;
        return Encoding.UTF8.GetByteCount(local) + 1 + domain.Length > MaxAddress ? "The address is longer than 254 octets." : null;
    }

    // The index after the closing quote; -1 when there is none.
    private static int EndOfQuoted(ReadOnlySpan<char> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                return i + 1;
        }

        return -1;
    }

    private static string? DotAtom(ReadOnlySpan<char> text, out string local)
    {
        local = "";
        if (text.IsEmpty)
            return "The part before @ is empty.";
        if (!IsDotAtom(text))
            return "The part before @ has a character or a dot that is not allowed there.";
        local = text.ToString();
        return null;
    }

    // Unnecessary quotes are dropped, so that the same mailbox always has the same form.
    private static string? QuotedLocal(ReadOnlySpan<char> text, out string local)
    {
        var content = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
                i++;
            content.Append(text[i]);
        }

        local = content.ToString();
        if (local.Length > 0 && IsDotAtom(local))
            return null;
        if (HasUnfit(local, spaceAllowed: true))
            return "The part before @ has a character that is not allowed there.";
        local = $"\"{local.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
        return null;
    }

    private static bool IsDotAtom(ReadOnlySpan<char> text)
    {
        if (text[0] == '.' || text[^1] == '.' || text.IndexOf("..") >= 0)
            return false;
        foreach (var c in text)
        {
            if (c != '.' && char.IsAscii(c) && !AtextAscii.Contains(c))
                return false;
        }

        return !HasUnfit(text, spaceAllowed: false);
    }

    private static bool HasUnfit(ReadOnlySpan<char> text, bool spaceAllowed)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var used) != OperationStatus.Done)
                return true;
            if (!(rune.Value == ' ' && spaceAllowed) && Faults.IsUnfitForAddress(rune))
                return true;
            text = text[used..];
        }

        return false;
    }

    private static string? Literal(ReadOnlySpan<char> text, out string domain)
    {
        domain = $"[{text}]";
        var v6 = text.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase);
        var good = v6
            ? !text[5..].ContainsAny("[]%/")
                && IPAddress.TryParse(text[5..], out var six)
                && six.AddressFamily == AddressFamily.InterNetworkV6
            : text.Count('.') == 3 && !text.ContainsAnyExcept(".0123456789") && IPAddress.TryParse(text, out _);
        return good ? null : "The address literal is not [1.2.3.4] or [IPv6:…].";
    }

    private static string? Name(ReadOnlySpan<char> text, out string domain)
    {
        const string wrong = "The domain is not a valid name.",
            notIdna = "The domain is not a valid international name (IDNA, UTS 46).";
        domain = text.ToString();
        if (text.IsEmpty)
            return "A domain is required: name@domain.";
        if (!Ascii.IsValid(text))
        {
            if (HasUnfit(text, spaceAllowed: false) || DomainNames.ToAscii(domain) is not { } ascii)
                return notIdna;
            domain = ascii;
        }

        if (domain.Length > MaxDomain)
            return "The domain is longer than 255 octets.";
        foreach (var range in domain.AsSpan().Split('.'))
        {
            var label = domain.AsSpan()[range];
            if (label.IsEmpty || label.Length > 63 || label[0] == '-' || label[^1] == '-' || label.ContainsAnyExcept(Ldh))
                return wrong;
        }

        return null;
    }
}
