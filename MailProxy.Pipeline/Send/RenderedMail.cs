using System.Buffers;

namespace MailProxy.Pipeline.Send;

/// <summary>A mail as it goes over the wire after DATA: CRLF line ends, an empty line after the header, a line end at the end; dots are not stuffed. Lives in a pooled buffer until disposed.</summary>
public sealed class RenderedMail : IDisposable
{
    private byte[]? _buffer;

    internal RenderedMail(byte[] buffer, int length, int headerLength, bool eightBit, bool needsSmtpUtf8)
    {
        _buffer = buffer;
        Length = length;
        HeaderLength = headerLength;
        EightBit = eightBit;
        NeedsSmtpUtf8 = needsSmtpUtf8;
    }

    /// <summary>Octets in all.</summary>
    public int Length { get; }

    /// <summary>Octets of the header, without the empty line.</summary>
    public int HeaderLength { get; }

    /// <summary>Needs 8BITMIME (RFC 6152).</summary>
    public bool EightBit { get; }

    /// <summary>The header holds an address that needs SMTPUTF8 (RFC 6531).</summary>
    public bool NeedsSmtpUtf8 { get; }

    public ReadOnlyMemory<byte> Bytes => Buffer.AsMemory(0, Length);

    internal byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(RenderedMail));

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
    }
}
