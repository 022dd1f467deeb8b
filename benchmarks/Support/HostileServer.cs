using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Benchmarks.Support;

/// <summary>
/// A server in this process that takes every connection and holds it: an SMTP server that greets and then says nothing, or a web server
/// that sends a byte every two seconds.
/// </summary>
internal sealed class HostileServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();

    private HostileServer(Func<NetworkStream, CancellationToken, Task> serve)
    {
        _listener.Start(1024);
        _ = AcceptAsync(serve);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public static HostileServer Tarpit() =>
        new(
            static async (stream, stop) =>
            {
                await stream.WriteAsync("220 tarpit ESMTP\r\n"u8.ToArray(), stop);
                await Task.Delay(Timeout.Infinite, stop);
            }
        );

    public static HostileServer Drip() =>
        new(
            static async (stream, stop) =>
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), stop);
                while (true)
                {
                    await stream.WriteAsync("x"u8.ToArray(), stop);
                    await Task.Delay(TimeSpan.FromSeconds(2), stop);
                }
            }
        );

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync(Func<NetworkStream, CancellationToken, Task> serve)
    {
        try
        {
            while (true)
                _ = HoldAsync(await _listener.AcceptTcpClientAsync(_stop.Token), serve);
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task HoldAsync(TcpClient client, Func<NetworkStream, CancellationToken, Task> serve)
    {
        using var held = client;
        try
        {
            await serve(client.GetStream(), _stop.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or IOException)
        {
            // The daemon gave up, or the scenario is over.
        }
    }
}
