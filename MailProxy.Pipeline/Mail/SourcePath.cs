using System.Text;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// The syntax of the path of a stored file. The path is used as written, never decoded; one that a careless server could decode into
/// another
/// path is refused nevertheless. Pure.
/// </summary>
public static class SourcePath
{
    /// <summary>Bytes in UTF-8: the longest key of S3.</summary>
    private const int MaxBytes = 1024;

    /// <summary>How many nested percent encodings are checked.</summary>
    private const int MaxLayers = 4;

    /// <summary>Returns null when the relative path stays below the root that it is appended to.</summary>
    public static (string Code, string Detail)? Fault(ReadOnlySpan<char> path)
    {
        if (Faults.InText(path, MaxBytes) is { } fault)
            return fault;
        if (Encoding.UTF8.GetByteCount(path) > MaxBytes)
            return ("too_long", $"At most {MaxBytes} bytes.");
        if (path.IsEmpty)
            return ("invalid_path", "The path is empty.");
        if (Leaves(path))
            return (
                "invalid_path",
                "A path is relative to its root, with slashes between its parts, and has no empty, . or .. parts and no backslashes."
            );
        return HidesSomething(path) ? ("invalid_path", "An encoded path is not decoded here, and this one would lead elsewhere.") : null;
    }

    private static bool Leaves(ReadOnlySpan<char> path)
    {
        if (path.Contains('\\'))
            return true;
        foreach (var part in path.Split('/'))
        {
            if (path[part] is "" or "." or "..")
                return true;
        }

        return false;
    }

    private static bool HidesSomething(ReadOnlySpan<char> path)
    {
        if (!path.Contains('%'))
            return false;
        var bytes = Encoding.UTF8.GetBytes(path.ToString());
        for (var layer = 0; layer < MaxLayers; layer++)
        {
            var slashes = bytes.AsSpan().Count((byte)'/');
            var decoded = Decode(bytes);
            if (decoded.Length == bytes.Length)
                return false;
            if (
                decoded.AsSpan().ContainsAnyInRange((byte)0, (byte)0x1F)
                || decoded.AsSpan().Count((byte)'/') != slashes
                || IsOverlong(decoded)
            )
                return true;
            if (Leaves(Encoding.UTF8.GetString(decoded)))
                return true;
            bytes = decoded;
        }

        return true;
    }

    private static byte[] Decode(ReadOnlySpan<byte> text)
    {
        var decoded = new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var escaped =
                text[i] == '%' && i + 2 < text.Length && char.IsAsciiHexDigit((char)text[i + 1]) && char.IsAsciiHexDigit((char)text[i + 2]);
            decoded[length++] = escaped ? byte.Parse(text.Slice(i + 1, 2), System.Globalization.NumberStyles.AllowHexSpecifier) : text[i];
            if (escaped)
                i += 2;
        }

        return decoded[..length];
    }

    // An overlong encoding of ../ (more bytes than needed), which old decoders still accept as ../
    private static bool IsOverlong(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var next = i + 1 < bytes.Length ? bytes[i + 1] : (byte)0xFF;
            if (bytes[i] is 0xC0 or 0xC1 || (bytes[i] == 0xE0 && next < 0xA0) || (bytes[i] == 0xF0 && next < 0x90))
                return true;
        }

        return false;
    }
}
