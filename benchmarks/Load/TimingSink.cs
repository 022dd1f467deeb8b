using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// An SMTP server in this process that notes when it sent its final reply to each mail, so that both ends of a latency are read from one
/// clock.
/// </summary>
internal sealed class TimingSink : IDisposable
{
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<long>> _mails = [];
    private readonly TaskCompletionSource<long> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TimingSink(int port = 0)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(512);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>When the first mail of all was taken, as <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public Task<long> First => _first.Task;

    /// <summary>When the mail with this <c>X-Mail-Key</c> was taken.</summary>
    public Task<long> TakenAsync(string key) => Mail(key).Task;

    public void Dispose() => _listener.Dispose();

    private TaskCompletionSource<long> Mail(string key) =>
        _mails.GetOrAdd(key, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptAsync());
        }
        catch (Exception error) when (error is ObjectDisposedException or SocketException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var _ = socket;
        socket.NoDelay = true;
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.Latin1, false, 16384, leaveOpen: true);
        try
        {
            await ReplyAsync(stream, "220 sink ESMTP");
            while (await reader.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("EHLO", StringComparison.OrdinalIgnoreCase))
                    await ReplyAsync(stream, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES");
                else if (line.StartsWith("DATA", StringComparison.OrdinalIgnoreCase))
                    await TakeAsync(reader, stream);
                else if (line.StartsWith("QUIT", StringComparison.OrdinalIgnoreCase))
                    return;
                else
                    await ReplyAsync(stream, "250 2.0.0 ok");
            }
        }
        catch (IOException)
        {
            // The daemon hung up.
        }
    }

    private async Task TakeAsync(StreamReader reader, NetworkStream stream)
    {
        await ReplyAsync(stream, "354 go on");
        string? key = null;
        while (await reader.ReadLineAsync() is { } line && line != ".")
        {
            if (key is null && line.StartsWith("X-Mail-Key:", StringComparison.OrdinalIgnoreCase))
                key = line["X-Mail-Key:".Length..].Trim();
        }

        await ReplyAsync(stream, "250 2.0.0 taken");
        var now = Stopwatch.GetTimestamp();
        _first.TrySetResult(now);
        if (key is not null)
            Mail(key).TrySetResult(now);
    }

    private static ValueTask ReplyAsync(NetworkStream stream, string reply) => stream.WriteAsync(Encoding.ASCII.GetBytes(reply + "\r\n"));
}
