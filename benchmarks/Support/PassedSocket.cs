using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MailProxy.Benchmarks.Support;

/// <summary>A socket that listens for as long as this process runs, and is passed to each daemon as systemd would.</summary>
internal sealed class PassedSocket : IDisposable
{
    private const int SetDescriptorFlags = 2; // F_SETFD
    private const int Backlog = 4096;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public PassedSocket()
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _socket.Listen(Backlog);
        if (Control(Descriptor, SetDescriptorFlags, 0) != 0)
            throw new InvalidOperationException("fcntl: the socket cannot be passed to another program.");
    }

    public int Port => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    private int Descriptor => (int)_socket.Handle;

    /// <summary>Starts a program with the socket as its descriptor 3.</summary>
    public ProcessStartInfo Start(string program)
    {
        var move = Descriptor == 3 ? "" : $"exec 3<&{Descriptor} {Descriptor}<&-; ";
        return new("bash", ["-c", move + "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" serve", program]);
    }

    public void Dispose() => _socket.Dispose();

    [DllImport("libc", EntryPoint = "fcntl")]
    private static extern int Control(int descriptor, int command, int argument);
}
