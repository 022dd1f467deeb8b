using System.Buffers;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// A mail as it goes over the wire after DATA: CRLF line ends, an empty line after the header, a line end at the end; dots are not stuffed.
/// Lives in a pooled buffer until disposed; fetched files stay on disk and are encoded when read.
/// </summary>
public sealed class RenderedMail : IDisposable
{
    private byte[]? _buffer;

    private RenderedMail(
        (byte[] Buffer, int Length) written,
        IReadOnlyList<FileInsert> files,
        int headerLength,
        bool eightBit,
        bool needsSmtpUtf8
    )
    {
        (_buffer, BufferLength) = written;
        Files = files;
        Length = BufferLength + files.Sum(static file => file.Length);
        HeaderLength = headerLength;
        EightBit = eightBit;
        NeedsSmtpUtf8 = needsSmtpUtf8;
    }

    /// <summary>Octets in all.</summary>
    public long Length { get; }

    /// <summary>Octets of the header, without the empty line.</summary>
    public int HeaderLength { get; }

    /// <summary>Needs 8BITMIME (RFC 6152).</summary>
    public bool EightBit { get; }

    /// <summary>The header holds an address that needs SMTPUTF8 (RFC 6531).</summary>
    public bool NeedsSmtpUtf8 { get; }

    /// <summary>What is in memory: everything, when there are no files.</summary>
    internal ReadOnlyMemory<byte> Bytes => Buffer.AsMemory(0, BufferLength);

    internal byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(RenderedMail));

    internal int BufferLength { get; }

    internal IReadOnlyList<FileInsert> Files { get; }

    /// <summary>Takes over what was written.</summary>
    internal static RenderedMail Of(PooledBytes bytes, bool eightBit, bool needsSmtpUtf8)
    {
        var header = bytes.Written.IndexOf("\r\n\r\n"u8) + 2;
        return new(bytes.Detach(), bytes.Files, header, eightBit, needsSmtpUtf8);
    }

    /// <summary>All of it, from end to end. Not longer than this lives.</summary>
    public Stream OpenRead() => new RenderedStream(this);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
    }
}
