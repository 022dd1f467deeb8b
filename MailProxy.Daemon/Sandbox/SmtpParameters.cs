using System.Globalization;
using System.Text;

namespace MailProxy.Daemon.Sandbox;

/// <summary>Checks the ESMTP parameters of MAIL and RCPT that this server offers (RFC 1870, 6152, 6531, 3461). Pure.</summary>
internal static class SmtpParameters
{
    private static readonly string Unknown = "555 5.5.4 Parameter not recognised";
    private static readonly string Malformed = "501 5.5.4 Parameter malformed";

    /// <summary>Returns null when all parameters are known and well formed, otherwise the refusal.</summary>
    /// <param name="parameters">The text after the path, including its leading space.</param>
    public static string? RefuseMail(ReadOnlySpan<byte> parameters, int maxSize, out bool utf8)
    {
        utf8 = false;
        foreach (var range in parameters.Split((byte)' '))
        {
            var parameter = parameters[range];
            if (parameter.IsEmpty)
                continue;
            var value = Cut(parameter, out var name);
            if (Is(name, "SIZE"u8))
            {
                if (value.IsEmpty || !ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size))
                    return Malformed;
                if (size > (ulong)maxSize)
                    return "552 5.3.4 Message too large";
            }
            else if (Is(name, "BODY"u8))
            {
                if (!Is(value, "7BIT"u8) && !Is(value, "8BITMIME"u8))
                    return Malformed;
            }
            else if (Is(name, "SMTPUTF8"u8))
            {
                if (parameter.Length != name.Length)
                    return Malformed;
                utf8 = true;
            }
            else if (Is(name, "RET"u8))
            {
                if (!Is(value, "FULL"u8) && !Is(value, "HDRS"u8))
                    return Malformed;
            }
            else if (Is(name, "ENVID"u8))
            {
                if (value.IsEmpty)
                    return Malformed;
            }
            else
            {
                return Unknown;
            }
        }

        return null;
    }

    /// <summary>Returns null when all parameters are known and well formed, otherwise the refusal.</summary>
    public static string? RefuseRcpt(ReadOnlySpan<byte> parameters)
    {
        foreach (var range in parameters.Split((byte)' '))
        {
            var parameter = parameters[range];
            if (parameter.IsEmpty)
                continue;
            var value = Cut(parameter, out var name);
            if (!Is(name, "NOTIFY"u8) && !Is(name, "ORCPT"u8))
                return Unknown;
            if (value.IsEmpty)
                return Malformed;
        }

        return null;
    }

    private static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> parameter, out ReadOnlySpan<byte> name)
    {
        var equals = parameter.IndexOf((byte)'=');
        name = equals < 0 ? parameter : parameter[..equals];
        return equals < 0 ? default : parameter[(equals + 1)..];
    }

    private static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) => Ascii.EqualsIgnoreCase(text, word);
}
