using System.Net;
using System.Net.Sockets;

namespace MailProxy.Tests.Support;

/// <summary>
/// A loopback port for a process that cannot be told to take any free one. Nothing reserves it between this and the process's own bind.
/// </summary>
internal static class FreePort
{
    public static int Take()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
