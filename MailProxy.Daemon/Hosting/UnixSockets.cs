using System.Net.Sockets;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Unix sockets that HTTP listens on. A socket that a killed process left behind is removed; any other file of that name is not touched.
/// </summary>
internal static class UnixSockets
{
    private const int NoSuchDevice = 6; // ENXIO: the error when a socket is opened as a file

    /// <summary>The paths of the sockets among these addresses.</summary>
    public static string[] Paths(string urls) =>
        [
            .. ListenAddressesAttribute
                .Split(urls)
                .Select(BindingAddress.Parse)
                .Where(static address => address.IsUnixPipe)
                .Select(static address => address.UnixPipePath),
        ];

    /// <summary>Throws <see cref="StartRefusedException"/> when one of the sockets cannot be listened on.</summary>
    public static void Clear(string urls) => Array.ForEach(Paths(urls), ClearPath);

    /// <summary>Removes what a killed process left at this path. Throws <see cref="StartRefusedException"/> when it cannot be
    /// listened on.</summary>
    public static void ClearPath(string path)
    {
        var address = Address(path);
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder && !Directory.Exists(folder))
            throw Refused(path, $"the directory '{folder}' does not exist");
        if (Directory.Exists(path))
            throw Refused(path, "it is a directory");
        if (!File.Exists(path))
            return;
        if (!IsSocket(path))
            throw Refused(path, "a file of that name is there, and it is no socket");
        if (Answers(address, path))
            throw Refused(path, "another process listens on it");
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, $"nobody listens on it, and it cannot be removed: {OneLine.Of(error)[..^1]}", error);
        }
    }

    private static UnixDomainSocketEndPoint Address(string path)
    {
        try
        {
            return new(path);
        }
        catch (ArgumentException error)
        {
            throw Refused(path, "the path is longer than that of a socket may be (107 bytes)", error);
        }
    }

    private static bool IsSocket(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return false;
        }
        catch (IOException error)
        {
            return error.HResult == NoSuchDevice;
        }
        catch (UnauthorizedAccessException error)
        {
            throw Refused(path, "what is there may not be looked at by this user", error);
        }
    }

    private static bool Answers(UnixDomainSocketEndPoint address, string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(address);
            return true;
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
        catch (SocketException error)
        {
            throw Refused(path, OneLine.Of(error)[..^1], error);
        }
    }

    private static StartRefusedException Refused(string path, string why, Exception? inner = null) =>
        new($"Cannot listen on the socket '{path}': {why}.", inner);
}
