using System.Net;
using System.Net.Sockets;

namespace MailProxy.Tests.Support;

/// <summary>A way to a server on this machine that can be cut, or made to swallow everything, as a network does.</summary>
internal sealed class CuttableProxy : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly int _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Socket> _open = [];
    private TaskCompletionSource _passes = Done();
    private volatile bool _isCut;

    public CuttableProxy(int target)
    {
        _target = target;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(64);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Ends every connection, and refuses new ones until <see cref="Mend"/>.</summary>
    public void Cut()
    {
        _isCut = true;
        CloseAll();
    }

    /// <summary>Nothing comes through any more, and nobody is told; until <see cref="Mend"/>.</summary>
    public void Swallow() => Volatile.Write(ref _passes, new(TaskCreationOptions.RunContinuationsAsynchronously));

    public void Mend()
    {
        _isCut = false;
        Volatile.Read(ref _passes).TrySetResult();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        CloseAll();
        Volatile.Read(ref _passes).TrySetResult();
    }

    private void CloseAll()
    {
        lock (_gate)
        {
            foreach (var socket in _open)
                socket.Dispose();
            _open.Clear();
        }
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptAsync(_stop.Token);
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }

            if (_isCut)
            {
                client.Dispose();
                continue;
            }

            _ = JoinAsync(client);
        }
    }

    private async Task JoinAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        lock (_gate)
            _open.AddRange([client, server]);
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            await Task.WhenAny(PumpAsync(client, server), PumpAsync(server, client));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // One of the two is gone, and so is the other.
        }

        client.Dispose();
        server.Dispose();
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var read)
            {
                await Volatile.Read(ref _passes).Task;
                for (var sent = 0; sent < read; )
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Its end is the other direction's too.
        }
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
