using System.Text;

namespace MailProxy.Pipeline.Send;

/// <summary>A client's own message: byte for byte, but with CRLF line ends, without Bcc, and with our headers on top.</summary>
internal static class RawMessage
{
    public static void Write(PooledBytes bytes, ReadOnlySpan<byte> raw, (string Name, string Value)? keyHeader, MailContent content)
    {
        var (hasMessageId, hasDate) = Look(raw);
        if (keyHeader is { } key) Add(bytes, key.Name, key.Value);
        if (!hasDate) Add(bytes, "Date", MimeComposer.Date(content));
        if (!hasMessageId) Add(bytes, "Message-ID", content.MessageIdHeader);

        var dropping = false;
        while (TryReadLine(ref raw, out var line) && line.Length > 0)
        {
            if (!IsContinuation(line)) dropping = Is(line, "Bcc"u8) || Is(line, "Resent-Bcc"u8);
            if (dropping) continue;
            bytes.Write(line);
            bytes.Write("\r\n"u8);
        }

        bytes.Write("\r\n"u8);
        while (TryReadLine(ref raw, out var line))
        {
            bytes.Write(line);
            bytes.Write("\r\n"u8);
        }
    }

    private static (bool MessageId, bool Date) Look(ReadOnlySpan<byte> raw)
    {
        bool messageId = false, date = false;
        while (TryReadLine(ref raw, out var line) && line.Length > 0)
        {
            messageId |= Is(line, "Message-ID"u8);
            date |= Is(line, "Date"u8);
        }

        return (messageId, date);
    }

    // A line ends with CRLF, LF or CR.
    private static bool TryReadLine(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> line)
    {
        line = rest;
        if (rest.IsEmpty) return false;
        var end = rest.IndexOfAny((byte)'\r', (byte)'\n');
        if (end < 0)
        {
            rest = [];
            return true;
        }

        line = rest[..end];
        rest = rest[(end + (rest[end..].StartsWith("\r\n"u8) ? 2 : 1))..];
        return true;
    }

    private static bool IsContinuation(ReadOnlySpan<byte> line) => line[0] is (byte)' ' or (byte)'\t';

    private static bool Is(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name)
    {
        var colon = line.IndexOf((byte)':');
        return colon >= 0 && Ascii.EqualsIgnoreCase(line[..colon].TrimEnd(" \t"u8), name);
    }

    private static void Add(PooledBytes bytes, string name, string value) => bytes.Write(Encoding.ASCII.GetBytes($"{name}: {value}\r\n"));
}
