using System.Text;

namespace MailProxy.Pipeline.Network;

/// <summary>
/// HTTP addresses given by clients. An address that is accepted here can be requested: no part of it makes the HTTP client fail. Pure.
/// </summary>
public static class HttpAddress
{
    /// <summary>Replaces a stored address that can no longer be parsed. The name is reserved (RFC 6761), so it never resolves.</summary>
    public static readonly Uri Unusable = new("http://unusable.invalid/");

    private static readonly string[] Schemes = ["http://", "https://"];

    /// <summary>The address, or what is wrong with it, in words. The caller judges query and fragment.</summary>
    public static (Uri? Address, string? Fault) Read(string text)
    {
        // Parsers disagree about blanks and backslashes, which is used to smuggle addresses past checks.
        if (text.Any(static c => c is '\\' or ' ' || char.IsControl(c)))
        {
            return Wrong("Blanks, backslashes and control characters are not allowed in a URL.");
        }

        if (Array.Find(Schemes, scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) is not { } scheme)
        {
            return Wrong("A URL begins with http:// or https://.");
        }

        var rest = text[scheme.Length..];
        var end = rest.AsSpan().IndexOfAny('/', '?', '#');
        var authority = end < 0 ? rest : rest[..end];
        if (authority.Contains('@'))
            return Wrong("Credentials do not belong into a URL: use auth.");
        if (authority.Contains('%'))
            return Wrong("A host is written plainly, without percent signs and zones.");
        if (!Uri.TryCreate(WithAsciiHost(text, authority), UriKind.Absolute, out var address) || address.Host.Length == 0)
        {
            return Wrong("This is no URL. " + HostName.Rule);
        }

        if (address.Port is < 1 or > 65_535)
            return Wrong("A port is 1 to 65535.");
        if (address.HostNameType is not (UriHostNameType.IPv4 or UriHostNameType.IPv6) && HostName.ToAscii(WithoutPort(authority)) is null)
        {
            return Wrong(HostName.Rule);
        }

        return IsSendable(address) ? (address, null) : Wrong(HostName.Rule);
    }

    /// <summary>Parses a stored address, which an older version may have accepted with fewer checks.</summary>
    public static Uri Stored(string text) => Ascii.IsValid(text) ? Parsed(text) : Read(text).Address ?? Parsed(text);

    /// <summary>
    /// Whether an HTTP client can request the address. This reads the same parts as the client does, since each may throw for a host that
    /// the
    /// parser accepted.
    /// </summary>
    public static bool IsSendable(Uri address)
    {
        try
        {
            return address.IdnHost.Length > 0
                && address.AbsoluteUri.Length > 0
                && address.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped).Length > 0;
        }
        catch (UriFormatException)
        {
            return false;
        }
    }

    /// <summary>Where a request goes, for messages: host and port.</summary>
    public static string HostAndPort(Uri address)
    {
        var host = address.HostNameType == UriHostNameType.IPv6 ? address.Host : address.DnsSafeHost;
        return $"{host}:{address.Port}";
    }

    private static Uri Parsed(string text) => Uri.TryCreate(text, UriKind.Absolute, out var address) ? address : Unusable;

    // What .NET makes of an international host is another name than mail to the same domain has: it knows IDNA 2003 only.
    private static string WithAsciiHost(string text, string authority)
    {
        if (Ascii.IsValid(authority) || HostName.ToAscii(WithoutPort(authority)) is not { } host)
            return text;
        var at = text.IndexOf(authority, StringComparison.Ordinal);
        return string.Concat(text.AsSpan(0, at), host, text.AsSpan(at + WithoutPort(authority).Length));
    }

    private static string WithoutPort(string authority)
    {
        var colon = authority.LastIndexOf(':');
        return colon < 0 ? authority : authority[..colon];
    }

    private static (Uri?, string?) Wrong(string why) => (null, why);
}
