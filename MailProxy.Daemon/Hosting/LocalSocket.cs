using System.Net.Sockets;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// The Unix socket by which programs of this machine, the command line first, find the daemon. It is a convenience: when it cannot be made
/// the daemon runs without it.
/// </summary>
internal static partial class LocalSocket
{
    private const string None = "none";

    /// <summary>Where it is by these settings; null: there is to be none.</summary>
    public static string? PathOf(DaemonSettings settings) =>
        settings.Socket.Equals(None, StringComparison.OrdinalIgnoreCase)
            ? null
            : Path.GetFullPath(Path.Combine(Path.GetFullPath(settings.Data), settings.Socket));

    /// <summary>Its path, ready to be listened on; null: there is none, and the log says why when there was to be one.</summary>
    public static string? Prepare(DaemonSettings settings, ILogger logger)
    {
        if (PathOf(settings) is not { } path || Array.Exists(UnixSockets.Paths(settings.Urls), other => other == path))
            return null;
        try
        {
            if (!UnixSockets.Paths(Urls(path)[0]).SequenceEqual([path]))
                throw new StartRefusedException("the path has a colon or a semicolon in it, which addresses of HTTP give another meaning.");
            UnixSockets.ClearPath(path);
            Try(path);
            return path;
        }
        catch (Exception error) when (error is StartRefusedException or SocketException or IOException or UnauthorizedAccessException)
        {
            Log.None(logger, path, OneLine.Of(error));
            return null;
        }
    }

    public static string[] Urls(string? path) => path is null ? [] : [$"http://unix:{path}"];

    /// <summary>Nobody else may open it once it is there: the umask has said so already where the program runs by itself.</summary>
    public static void CloseToOthers(string? path, IHostApplicationLifetime lifetime)
    {
        if (path is not null)
            lifetime.ApplicationStarted.Register(() => Close(path));
    }

    private static void Close(string path)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    // Only trying to listen covers modes, read-only mounts, and file systems that have no sockets.
    private static void Try(string path)
    {
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            socket.Bind(new UnixDomainSocketEndPoint(path));
        File.Delete(path);
    }

    private static partial class Log
    {
        [LoggerMessage(
            10,
            LogLevel.Warning,
            "HTTP does not listen on the socket {Path} (setting Socket), by which the command line finds the daemon: {Reason}"
        )]
        public static partial void None(ILogger logger, string path, string reason);
    }
}
