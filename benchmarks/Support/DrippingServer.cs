using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MailProxy.Benchmarks.Support;

/// <summary>A web server in this process that takes every connection and sends a byte every two seconds.</summary>
internal sealed class DrippingServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _held = [];
    private readonly Task _accepting;

    public DrippingServer()
    {
        _listener.Start(1024);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_held);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _held.Add(HoldAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task HoldAsync(TcpClient client)
    {
        using var held = client;
        try
        {
            await DripAsync(client.GetStream());
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            // The daemon gave up, or the scenario is over.
        }
    }

    private async Task DripAsync(NetworkStream stream)
    {
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"u8.ToArray(), _stop.Token);
        using var drops = new PeriodicTimer(TimeSpan.FromSeconds(2));
        do await stream.WriteAsync("x"u8.ToArray(), _stop.Token);
        while (await drops.WaitForNextTickAsync(_stop.Token));
    }
}
