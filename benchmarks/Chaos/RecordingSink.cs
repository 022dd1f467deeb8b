using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>An SMTP server that remembers every mail it took, by its X-Mail-Key, and misbehaves on purpose.</summary>
internal sealed class RecordingSink : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<double> _chance;

    public RecordingSink(Func<double> chance)
    {
        _chance = chance;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>How often each message was taken: its whole body was here and it was, or would have been, answered with 250.</summary>
    public ConcurrentDictionary<string, int> Taken { get; } = [];

    /// <summary>Faults are injected while this is true; the drain turns them off.</summary>
    public bool Misbehaves { get; set; } = true;

    public int DroppedAfterDot;
    public int Refused;

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                _ = ServeAsync(socket);
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
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
            var accepted = 0;
            await ReplyAsync(stream, "220 sink ESMTP");
            while (await reader.ReadLineAsync(_stop.Token) is { } line)
            {
                var verb = line.Length >= 4 ? line[..4].ToUpperInvariant() : line;
                switch (verb)
                {
                    case "EHLO":
                        await ReplyAsync(stream, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8");
                        break;
                    case "MAIL" when Fault(0.001):
                        Interlocked.Increment(ref Refused);
                        await ReplyAsync(stream, "421 4.3.2 going down");
                        return;
                    case "RCPT" when Fault(0.01):
                        Interlocked.Increment(ref Refused);
                        await ReplyAsync(stream, "451 4.7.1 try again in 1 second");
                        break;
                    case "MAIL":
                        accepted = 0;
                        await ReplyAsync(stream, "250 2.1.0 ok");
                        break;
                    case "RCPT":
                        accepted++;
                        await ReplyAsync(stream, "250 2.1.5 ok");
                        break;
                    case "DATA" when accepted == 0:
                        await ReplyAsync(stream, "554 5.5.1 no valid recipients");
                        break;
                    case "DATA":
                        await ReplyAsync(stream, "354 go on");
                        if (!await TakeAsync(reader, stream))
                            return;
                        break;
                    case "QUIT":
                        await ReplyAsync(stream, "221 2.0.0 bye");
                        return;
                    default:
                        await ReplyAsync(stream, "250 2.0.0 ok");
                        break;
                }
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or SocketException)
        {
            // The daemon was killed in the middle of a conversation: what this server is for.
        }
    }

    private async Task<bool> TakeAsync(StreamReader reader, Stream stream)
    {
        string? key = null;
        while (true)
        {
            var line = await reader.ReadLineAsync(_stop.Token);
            if (line is null)
                return false;
            if (line == ".")
                break;
            if (key is null && line.StartsWith("X-Mail-Key:", StringComparison.OrdinalIgnoreCase))
                key = line["X-Mail-Key:".Length..].Trim();
        }

        Taken.AddOrUpdate(key ?? "?", 1, (_, n) => n + 1);
        if (Fault(0.005))
        {
            Interlocked.Increment(ref DroppedAfterDot);
            return false;
        }

        await ReplyAsync(stream, "250 2.0.0 taken");
        return true;
    }

    private bool Fault(double probability) => Misbehaves && _chance() < probability;

    private static ValueTask ReplyAsync(Stream stream, string reply) => stream.WriteAsync(Encoding.ASCII.GetBytes(reply + "\r\n"));
}
