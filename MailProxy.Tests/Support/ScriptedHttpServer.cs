using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Tests.Support;

/// <summary>
/// A server on a free loopback port that speaks no HTTP of its own: it reads a request's head and sends the very bytes that it is told to,
/// sound or not.
/// </summary>
internal sealed class ScriptedHttpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _heads = new();
    private readonly Task _accepting;

    public ScriptedHttpServer(Func<string, Stream, CancellationToken, Task> script)
    {
        Script = script;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Answers whatever is asked with this text, then hangs up.</summary>
    public ScriptedHttpServer(string answer)
        : this((_, stream, cancel) => stream.WriteAsync(Encoding.Latin1.GetBytes(answer), cancel).AsTask()) { }

    public Func<string, Stream, CancellationToken, Task> Script { get; set; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The heads of all requests so far.</summary>
    public IReadOnlyList<string> Heads => [.. _heads];

    /// <summary>Head, then the same block again and again, until the client hangs up or so many bytes are out.</summary>
    public static Func<string, Stream, CancellationToken, Task> Endless(string head, string block, Action<long> sent) =>
        async (_, stream, cancel) =>
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(head), cancel);
            var bytes = Encoding.Latin1.GetBytes(block);
            for (long total = 0; total < 300_000_000; total += bytes.Length)
            {
                await stream.WriteAsync(bytes, cancel);
                sent(total);
            }
        };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            _ = Task.Run(() => ServeAsync(client));
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var held = client;
        try
        {
            var stream = client.GetStream();
            var head = await HeadAsync(stream);
            _heads.Enqueue(head);
            await Script(head, stream, _stop.Token);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has had enough, or the test is over.
        }
    }

    private async Task<string> HeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
                break;
            head.Append((char)one[0]);
        }

        return head.ToString();
    }
}
