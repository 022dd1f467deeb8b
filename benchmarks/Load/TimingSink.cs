using System.Collections.Concurrent;
using System.Diagnostics;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// An SMTP server in this process that notes when it sent its final reply to each mail, so that both ends of a latency are read from one
/// clock.
/// </summary>
internal sealed class TimingSink : IAsyncDisposable
{
    private readonly ScriptedSmtpServer _server;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<long>> _mails = [];
    private readonly TaskCompletionSource<long> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TimingSink(int port = 0)
        : this(static _ => null, port) { }

    public TimingSink(Func<Heard, Said?> say, int port = 0) => _server = new(say, port) { KeepsRecord = false, Replied = Note };

    public int Port => _server.Port;

    /// <summary>When the first mail of all was taken, as <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public Task<long> First => _first.Task;

    /// <summary>The mails that were taken, by their <c>X-Mail-Key</c>.</summary>
    public ConcurrentDictionary<string, int> Taken { get; } = [];

    /// <summary>When the mail with this <c>X-Mail-Key</c> was taken.</summary>
    public Task<long> TakenAsync(string key) => Mail(key).Task;

    /// <summary>From now on no packet gets through, on the connections that are there neither.</summary>
    public void SwallowPackets() => _server.SwallowPackets();

    /// <summary>New connections get through again.</summary>
    public void TakePackets() => _server.TakePackets();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private void Note(ReceivedMail mail)
    {
        var now = Stopwatch.GetTimestamp();
        _first.TrySetResult(now);
        if (mail.Key is not { } key)
            return;
        Taken.AddOrUpdate(key, 1, static (_, times) => times + 1);
        Mail(key).TrySetResult(now);
    }

    private TaskCompletionSource<long> Mail(string key) =>
        _mails.GetOrAdd(key, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
