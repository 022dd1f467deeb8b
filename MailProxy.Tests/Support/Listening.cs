using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MailProxy.Tests.Support;

/// <summary>For servers that tell nobody when they listen.</summary>
internal static class Listening
{
    /// <summary>Completes when something answers on this loopback port; fails when the process ended before.</summary>
    public static Task UntilAsync(Process process, int port) =>
        Eventually.BecomesAsync(
            async () =>
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    await socket.ConnectAsync(IPAddress.Loopback, port);
                    return true;
                }
                catch (SocketException) when (!process.HasExited)
                {
                    return false;
                }
            },
            static listens => listens
        );
}
