using System.Globalization;
using System.Net;
using System.Text;

namespace MailProxy.Pipeline.Network;

/// <summary>
/// Host names as clients write them. They are checked when they are configured, so that a later look-up never fails because of their form.
/// Pure.
/// </summary>
public static class HostName
{
    /// <summary>The rule in words, for error messages.</summary>
    public const string Rule =
        "A host is an IP address, or a name of at most 253 octets whose parts have 1 to 63 letters, digits, - and _.";

    private const int LongestName = 253;
    private const int LongestLabel = 63;

    /// <summary>The name in the form that is looked up (A-labels); null when it is not a valid name.</summary>
    public static string? ToAscii(string name)
    {
        var plain = name.EndsWith('.') ? name[..^1] : name;
        if (plain.Length is 0 or > LongestName || !plain.EnumerateRunes().All(IsWritten))
            return null;
        if (DomainNames.ToAscii(plain) is not { Length: <= LongestName } ascii)
            return null;
        var labels = ascii.Split('.');
        return labels.All(IsLabel) && !IsNumber(labels[^1]) ? ascii : null;
    }

    /// <summary>
    /// The name as DNS, TLS and HTTP use it, whatever was stored: an international name becomes the A-labels that mail to the same domain
    /// has, everything else stays as it is.
    /// </summary>
    public static string OnTheWire(string host) => Ascii.IsValid(host) ? host : ToAscii(host) ?? host;

    /// <summary>Whether this is a valid name, or an IPv4 or IPv6 address without a zone.</summary>
    public static bool IsHost(string host) =>
        ToAscii(host) is not null
        || (
            IPAddress.TryParse(host, out var address)
            && !host.Contains('%')
            && !host.Contains('[')
            && (host.Contains(':') || address.ToString() == host)
        );

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= LongestLabel
        && label[0] != '-'
        && label[^1] != '-'
        && label.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    // A name whose last label is a number is read as an address by some parsers, and as a name by others.
    private static bool IsNumber(string label) =>
        label.All(char.IsAsciiDigit)
        || (label.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && label.Skip(2).All(char.IsAsciiHexDigit));

    // Letters of any script; no invisible characters, and none that look like a dot or a digit.
    private static bool IsWritten(Rune rune)
    {
        if (rune.IsAscii)
            return Rune.IsLetterOrDigit(rune) || rune.Value is '-' or '_' or '.';
        if (rune.Value is >= 0xFF00 and <= 0xFFEF or 0xFFFD)
            return false;
        return Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.LowercaseLetter
                or UnicodeCategory.UppercaseLetter
                or UnicodeCategory.OtherLetter
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.DecimalDigitNumber;
    }
}
