using System.Net.Sockets;
using System.Text;

namespace MailProxy.Benchmarks.Support;

/// <summary>A service manager's socket (<c>NOTIFY_SOCKET</c>, sd_notify(3)), which waits for a daemon to say that it is ready.</summary>
internal sealed class ReadyNotice : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly byte[] _buffer = new byte[4096];

    public ReadyNotice(string path)
    {
        Path = path;
        File.Delete(path);
        _socket.Bind(new UnixDomainSocketEndPoint(path));
    }

    public string Path { get; }

    public async Task ComesAsync(CancellationToken cancel)
    {
        while (
            !Encoding.ASCII.GetString(_buffer, 0, await _socket.ReceiveAsync(_buffer, cancel)).Contains("READY=1", StringComparison.Ordinal)
        ) { }
    }

    public void Dispose()
    {
        _socket.Dispose();
        File.Delete(Path);
    }
}
