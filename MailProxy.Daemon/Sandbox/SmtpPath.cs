using System.Buffers;
using System.Text;

namespace MailProxy.Daemon.Sandbox;

/// <summary>Parses the address between the angle brackets of MAIL and RCPT (RFC 5321 4.1.2, RFC 6531). Pure.</summary>
internal static class SmtpPath
{
    private static readonly SearchValues<byte> NotInAtom = SearchValues.Create(" \t()<>[]:;@\\,\""u8);
    private static readonly SearchValues<byte> NotInDomain = SearchValues.Create(" \t()<>:;@\\,\"_"u8);

    /// <summary>The address as text; null when it is malformed. <paramref name="international"/>: it needs SMTPUTF8.</summary>
    public static string? Read(ReadOnlySpan<byte> path, out bool international)
    {
        international = !Ascii.IsValid(path);
        if (international && !Utf8IsValid(path))
            return null;
        path = WithoutRoute(path);
        var at = path.LastIndexOf((byte)'@');
        if (at <= 0 || at > 64 && !international || path.Length > 254)
            return null;
        if (!IsLocalPart(path[..at]) || !IsDomain(path[(at + 1)..]))
            return null;
        return Encoding.UTF8.GetString(path);
    }

    private static bool Utf8IsValid(ReadOnlySpan<byte> text) => System.Text.Unicode.Utf8.IsValid(text);

    // A source route ("@a,@b:") before the mailbox is obsolete: it must be accepted and ignored.
    private static ReadOnlySpan<byte> WithoutRoute(ReadOnlySpan<byte> path) =>
        path is [(byte)'@', ..] && path.IndexOf((byte)':') is > 0 and var colon ? path[(colon + 1)..] : path;

    private static bool IsLocalPart(ReadOnlySpan<byte> local)
    {
        if (HasControls(local))
            return false;
        if (local[0] == '"')
            return IsQuoted(local);
        return local.IndexOfAny(NotInAtom) < 0 && DotsPartSomething(local);
    }

    private static bool IsQuoted(ReadOnlySpan<byte> local)
    {
        if (local.Length < 2 || local[^1] != '"')
            return false;
        for (var i = 1; i < local.Length - 1; i++)
        {
            if (local[i] == '"')
                return false;
            if (local[i] == '\\' && ++i == local.Length - 1)
                return false;
        }

        return true;
    }

    private static bool IsDomain(ReadOnlySpan<byte> domain)
    {
        if (domain.IsEmpty || HasControls(domain))
            return false;
        if (domain[0] == '[')
            return domain.Length > 2 && domain[^1] == ']' && domain[1..^1].IndexOfAny((byte)'[', (byte)']', (byte)' ') < 0;
        return domain.IndexOfAny(NotInDomain) < 0 && domain.IndexOfAny((byte)'[', (byte)']') < 0 && DotsPartSomething(domain);
    }

    private static bool DotsPartSomething(ReadOnlySpan<byte> text) => text[0] != '.' && text[^1] != '.' && text.IndexOf(".."u8) < 0;

    private static bool HasControls(ReadOnlySpan<byte> text) => text.IndexOfAnyInRange((byte)0, (byte)31) >= 0 || text.Contains((byte)127);
}
