using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// A client's own message with our headers on top. What Ingest stored is written as it is; a message that an older version stored as it
/// came is brought into that form here.
/// </summary>
internal static class RawMessage
{
    /// <exception cref="UnsendableException">Stored by a version that did not look closely, and not to be sent as it is.</exception>
    public static void Write(
        PooledBytes bytes,
        ReadOnlySpan<byte> raw,
        string mailKeyHeader,
        (string Name, string Value)? key,
        MailContent content
    )
    {
        WriteHead(bytes, ref raw, mailKeyHeader, key, content);
        RawOctets.WriteBody(raw, bytes);
    }

    /// <summary>Of a message that is in its spool file only the header comes into memory.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnsendableException">As above.</exception>
    public static void Write(
        PooledBytes bytes,
        SpooledBody spooled,
        SpooledRef place,
        string mailKeyHeader,
        (string Name, string Value)? key,
        MailContent content
    )
    {
        ReadOnlySpan<byte> raw = spooled.Read(place.Offset, place.Head);
        WriteHead(bytes, ref raw, mailKeyHeader, key, content);
        bytes.Insert(spooled.Path, place.Offset + place.Head, place.Length - place.Head, plain: true);
    }

    private static void WriteHead(
        PooledBytes bytes,
        ref ReadOnlySpan<byte> raw,
        string mailKeyHeader,
        (string Name, string Value)? key,
        MailContent content
    )
    {
        using var head = new PooledBytes(4096);
        var facts = RawOctets.WriteHead(ref raw, mailKeyHeader, head);
        if (facts.Froms != 1 || facts.ReturnInHead)
        {
            throw new UnsendableException("5.6.0", "The raw message's header has a lone CR, or not exactly one From.");
        }

        if (key is { } own)
            Add(bytes, own.Name, own.Value);
        if (!facts.HasDate)
            Add(bytes, "Date", MimeComposer.Date(content));
        if (!facts.HasMessageId)
            Add(bytes, "Message-ID", content.MessageIdHeader);
        bytes.Write(head.Written);
    }

    private static void Add(PooledBytes bytes, string name, string value) => bytes.Write(Encoding.ASCII.GetBytes($"{name}: {value}\r\n"));
}
