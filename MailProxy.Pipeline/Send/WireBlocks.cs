using System.Buffers;

namespace MailProxy.Pipeline.Send;

/// <summary>Cuts a rendered mail into blocks as they go over the wire, dots stuffed.</summary>
internal sealed class WireBlocks(RenderedMail mail) : IDisposable
{
    /// <summary>What goes out in one write; the last one is held back until the mark stands.</summary>
    private const int Block = 32 * 1024;

    // A mail with files is read through a window, before which the two octets stand that decide whether a dot begins a line.
    private const int Before = 2;

    private readonly RenderedStream? _files = mail.Files.Count > 0 ? new(mail) : null;
    private readonly byte[] _window = mail.Files.Count > 0 ? ArrayPool<byte>.Shared.Rent(Before + Block) : [];
    private long _at;

    /// <summary>The next block; false: it is the last one.</summary>
    public bool Next(IBufferWriter<byte> into)
    {
        if (_files is null) return FromMemory(into);
        var count = _files.ReadAtLeast(_window.AsSpan(Before, Block), Block, throwOnEndOfStream: false);
        DotStuffing.Copy(_window.AsSpan(_at == 0 ? Before : 0, count + (_at == 0 ? 0 : Before)), _at == 0 ? 0 : Before, count + (_at == 0 ? 0 : Before), into);
        _window.AsSpan(count, Before).CopyTo(_window);
        _at += count;
        return _at < mail.Length;
    }

    public void Dispose()
    {
        if (_files is null) return;
        _files.Dispose();
        ArrayPool<byte>.Shared.Return(_window);
    }

    private bool FromMemory(IBufferWriter<byte> into)
    {
        var (from, to) = ((int)_at, (int)Math.Min(_at + Block, mail.Length));
        DotStuffing.Copy(mail.Buffer.AsSpan(0, to), from, to, into);
        _at = to;
        return to < mail.Length;
    }
}
