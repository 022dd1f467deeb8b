using System.Net;
using System.Net.Sockets;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>A webhook endpoint that takes requests and never answers.</summary>
internal sealed class HangingWebhook : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private int _requests;

    public HangingWebhook()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _ = AcceptAsync();
    }

    public string Url => $"http://{_listener.LocalEndPoint}/hook";

    /// <summary>Requests of which at least the beginning came.</summary>
    public int Requests => Volatile.Read(ref _requests);

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
                _ = SwallowAsync(await _listener.AcceptAsync(_stop.Token));
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private async Task SwallowAsync(Socket socket)
    {
        using var _ = socket;
        var buffer = new byte[16384];
        try
        {
            for (var first = true; await socket.ReceiveAsync(buffer, _stop.Token) > 0; first = false)
            {
                if (first)
                    Interlocked.Increment(ref _requests);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            // The daemon was killed, or gave up waiting.
        }
    }
}
