using System.Collections.Concurrent;
using System.Threading.Channels;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;

namespace MailProxy.Tests.Resolve;

/// <summary>A source that answers as the test says, and tells who asked.</summary>
internal sealed class ScriptedSource : IAttachmentSource
{
    private readonly Channel<AttachmentRef> _asked = Channel.CreateBounded<AttachmentRef>(100_000);
    private int _opened;

    /// <summary>What to answer; by default the place's own text.</summary>
    public Func<AttachmentRef, CancellationToken, Task<OpenedSource>> Answer { get; set; } =
        static (wanted, _) => Task.FromResult(Of(wanted.Place.ToString()));

    /// <summary>How often it was asked.</summary>
    public int Opened => Volatile.Read(ref _opened);

    public ConcurrentDictionary<string, int> ByPlace { get; } = new();

    public static OpenedSource Of(string text, long? length = null) => Of(System.Text.Encoding.UTF8.GetBytes(text), length);

    public static OpenedSource Of(byte[] content, long? length = null) => new(new MemoryStream(content), length);

    public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel)
    {
        Interlocked.Increment(ref _opened);
        ByPlace.AddOrUpdate(wanted.Place.ToString(), 1, static (_, count) => count + 1);
        _asked.Writer.TryWrite(wanted);
        return Answer(wanted, cancel);
    }

    /// <summary>The next question.</summary>
    public Task<AttachmentRef> AskedAsync() => _asked.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Never answers.</summary>
    public static async Task<OpenedSource> Silent(AttachmentRef wanted, CancellationToken cancel)
    {
        await Task.Delay(Timeout.Infinite, cancel);
        throw new InvalidOperationException();
    }
}

/// <summary>Gives one byte, and then nothing until it is cancelled.</summary>
internal sealed class StallingStream(TaskCompletionSource stalled) : Stream
{
    private bool _given;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel = default)
    {
        if (!_given)
        {
            _given = true;
            buffer.Span[0] = 1;
            return 1;
        }

        stalled.TrySetResult();
        await Task.Delay(Timeout.Infinite, cancel);
        return 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>One byte a read, for ever.</summary>
internal sealed class DrippingStream(Action before) : MemoryStream(new byte[1_000_000])
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel = default)
    {
        before();
        return await base.ReadAsync(buffer[..1], cancel);
    }
}
