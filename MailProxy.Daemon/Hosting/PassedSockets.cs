using System.Collections;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// The sockets that the service manager listens on and passes to the process (<c>LISTEN_FDS</c>, sd_listen_fds(3)). It keeps them open
/// while the service restarts: who connects meanwhile waits, and is not refused.
/// </summary>
internal sealed partial class PassedSockets
{
    // SD_LISTEN_FDS_START: behind standard input, output and error.
    private const int First = 3;
    private const int Most = 64;

    private readonly ulong[] _handles;

    private PassedSockets(ulong[] handles) => _handles = handles;

    /// <summary>Whether there are any: then the setting <c>Urls</c> does not count.</summary>
    public bool Any => _handles.Length > 0;

    public static PassedSockets Here() =>
        Of(Environment.GetEnvironmentVariables(), Environment.ProcessId, OperatingSystem.IsLinux() ? Check : null);

    /// <param name="check">Why a descriptor is no socket that listens, or null when it is one.</param>
    public static PassedSockets Of(IDictionary environment, int self, Func<int, string?>? check)
    {
        if (environment["LISTEN_PID"] as string != self.ToString(CultureInfo.InvariantCulture) || check is null)
            return new([]); // meant for another process, or for none
        if (
            !int.TryParse(environment["LISTEN_FDS"] as string, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count is < 1 or > Most
        )
            return new([]);
        for (var i = First; i < First + count; i++)
        {
            if (check(i) is { } why)
            {
                throw new StartRefusedException(
                    $"The service manager passed {count} socket(s) (LISTEN_FDS), and descriptor {i} cannot be listened on: {why} "
                        + "A socket unit for MailProxy has ListenStream= lines only, and Accept=no."
                );
            }
        }

        return new([.. Enumerable.Range(First, count).Select(static handle => (ulong)handle)]);
    }

    /// <summary>Has HTTP listen on them, and on the local socket beside them.</summary>
    public void ListenOn(KestrelServerOptions kestrel, string? localSocket, ILogger logger)
    {
        if (!Any)
            return;
        foreach (var handle in _handles)
            kestrel.ListenHandle(handle);
        if (localSocket is not null)
            kestrel.ListenUnixSocket(localSocket);
        Log.Passed(logger, _handles.Length);
    }

    private static string? Check(int descriptor)
    {
        try
        {
            using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: false));
            if (socket.SocketType != SocketType.Stream)
                return "it is no stream socket.";
            var listens = (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection)! != 0;
            return listens ? null : "it does not listen.";
        }
        catch (SocketException error)
        {
            return OneLine.Of(error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            11,
            LogLevel.Information,
            "HTTP listens on {Count} socket(s) that the service manager passed; the setting Urls does not count"
        )]
        public static partial void Passed(ILogger logger, int count);
    }
}
