using System.Buffers;
using MailProxy.Pipeline.Flow;

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
    private WireCheck _check;
    private long _at;

    /// <summary>The next block; false: it is the last one.</summary>
    /// <exception cref="UnsendableException">It has octets that no mail may have; what went out is to be left unfinished.</exception>
    public bool Next(IBufferWriter<byte> into)
    {
        var more = _files is null ? FromMemory(into) : FromFiles(_files, into);
        if (!more)
            _check.End();
        return more;
    }

    public void Dispose()
    {
        if (_files is null)
            return;
        _files.Dispose();
        ArrayPool<byte>.Shared.Return(_window);
    }

    private bool FromFiles(RenderedStream files, IBufferWriter<byte> into)
    {
        var count = files.ReadAtLeast(_window.AsSpan(Before, Block), Block, throwOnEndOfStream: false);
        _check.Next(_window.AsSpan(Before, count));
        var before = _at == 0 ? 0 : Before;
        DotStuffing.Copy(_window.AsSpan(Before - before, before + count), before, before + count, into);
        _window.AsSpan(count, Before).CopyTo(_window);
        _at += count;
        return _at < mail.Length;
    }

    private bool FromMemory(IBufferWriter<byte> into)
    {
        var (from, to) = ((int)_at, (int)Math.Min(_at + Block, mail.Length));
        _check.Next(mail.Buffer.AsSpan(from, to - from));
        DotStuffing.Copy(mail.Buffer.AsSpan(0, to), from, to, into);
        _at = to;
        return to < mail.Length;
    }
}
