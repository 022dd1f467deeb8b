using System.Buffers;

namespace MailProxy.Daemon.Sandbox;

/// <summary>
/// Decodes the body of DATA (RFC 5321 4.5.2): finds the final dot however the packets are split, removes stuffed dots, limits the size.
/// One per connection, which reuses its buffer; a large body has one of its own.
/// </summary>
/// <param name="memory">What all large bodies may take together; null: anything.</param>
internal sealed class DataDecoder(int maxBytes, SandboxMemory? memory = null) : IDisposable
{
    private const int KeepBuffer = 256 << 10;

    private enum At : byte
    {
        LineStart,
        Dot,
        DotCr,
        Line,
    }

    private byte[] _buffer = [];
    private int _length;
    private At _at;
    private bool _lastWasCr;

    /// <summary>The body so far, with dots unstuffed; at most the limit.</summary>
    public ReadOnlyMemory<byte> Body => _buffer.AsMemory(0, _length);

    /// <summary>Whether the body is larger than the limit; the rest is read and discarded.</summary>
    public bool TooLarge { get; private set; }

    /// <summary>Whether there was no memory for the body; the rest is read and discarded.</summary>
    public bool NoMemory { get; private set; }

    /// <summary>Whether a line ended without CR, which RFC 5321 2.3.8 forbids and SMTP smuggling uses.</summary>
    public bool BareLineFeed { get; private set; }

    public void Reset()
    {
        _length = 0;
        _at = At.LineStart;
        _lastWasCr = false;
        TooLarge = NoMemory = BareLineFeed = false;
        if (IsLarge)
            Dispose();
    }

    /// <summary>The body for whoever keeps it; the next body has another buffer.</summary>
    public ReadOnlyMemory<byte> Detach()
    {
        if (!IsLarge)
            return Body.ToArray();
        var body = Body;
        memory?.GiveBack(_buffer.Length);
        (_buffer, _length) = ([], 0);
        return body;
    }

    /// <summary>Reads input. Returns true when the final dot was found; <paramref name="used"/> tells how much was read.</summary>
    public bool Read(ReadOnlySpan<byte> input, out int used)
    {
        var i = 0;
        while (i < input.Length)
        {
            switch (_at)
            {
                case At.LineStart:
                    _at = input[i] == '.' ? At.Dot : At.Line;
                    if (_at == At.Dot)
                        i++;
                    break;
                case At.Dot:
                    _at = input[i] == '\r' ? At.DotCr : At.Line;
                    if (_at == At.DotCr)
                        i++;
                    break;
                case At.DotCr when input[i] == '\n':
                    used = i + 1;
                    return true;
                case At.DotCr:
                    Append("\r"u8);
                    _lastWasCr = true;
                    _at = At.Line;
                    break;
                default:
                    i += ReadLine(input[i..]);
                    break;
            }
        }

        used = i;
        return false;
    }

    public void Dispose()
    {
        if (IsLarge)
            memory?.GiveBack(_buffer.Length);
        else if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    // Those are not pooled: a pool would hold them for long.
    private bool IsLarge => _buffer.Length > KeepBuffer;

    private int ReadLine(ReadOnlySpan<byte> input)
    {
        var feed = input.IndexOf((byte)'\n');
        var piece = feed < 0 ? input : input[..(feed + 1)];
        Append(piece);
        if (feed < 0)
        {
            _lastWasCr = piece[^1] == '\r';
            return piece.Length;
        }

        if (feed > 0 ? piece[feed - 1] == '\r' : _lastWasCr)
            _at = At.LineStart;
        else
            BareLineFeed = true;
        _lastWasCr = false;
        return piece.Length;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (TooLarge || NoMemory)
            return;
        TooLarge = bytes.Length > maxBytes - _length;
        NoMemory = !TooLarge && bytes.Length > _buffer.Length - _length && !TryGrow(_length + bytes.Length);
        if (TooLarge || NoMemory)
        {
            Dispose();
            _length = 0;
            return;
        }

        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private bool TryGrow(int needed)
    {
        var size = (int)Math.Min(Math.Max(needed, Math.Max(_buffer.Length * 2L, 4096)), Math.Max(needed, maxBytes));
        byte[] larger;
        if (size <= KeepBuffer)
            larger = ArrayPool<byte>.Shared.Rent(size);
        else if (memory?.TryGrow(IsLarge ? _buffer.Length : 0, size) is false)
            return false;
        else
            larger = GC.AllocateUninitializedArray<byte>(size);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        if (!IsLarge && _buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
        return true;
    }
}
