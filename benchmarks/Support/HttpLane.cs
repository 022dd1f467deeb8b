using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Benchmarks.Support;

/// <summary>
/// One HTTP connection that sends prepared bytes and reads the answer: a client so lean that the server is what is measured, on a machine
/// that runs both.
/// </summary>
internal sealed class HttpLane : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = new byte[64 << 10];
    private int _length;
    private int _bodyAt;

    /// <summary>The last answer's body; chunked ones with their framing, which no search for a word minds.</summary>
    public ReadOnlySpan<byte> Body => _buffer.AsSpan(_bodyAt, _length - _bodyAt);

    /// <summary>The last answer closes the connection.</summary>
    public bool Closes => _buffer.AsSpan(0, _bodyAt).IndexOf("Connection: close"u8) >= 0;

    public static async Task<HttpLane> ConnectAsync(Uri server)
    {
        var lane = new HttpLane();
        await lane._socket.ConnectAsync(IPAddress.Loopback, server.Port);
        return lane;
    }

    /// <summary>A whole request as bytes.</summary>
    public static byte[] Request(string path, ReadOnlySpan<byte> body, string key, string type = "application/json") =>
        RequestWith($"Authorization: Bearer {key}", path, body, type);

    /// <summary>The same with another header that says who asks.</summary>
    public static byte[] RequestWith(string header, string path, ReadOnlySpan<byte> body, string type = "application/json") =>
        [
            .. Encoding.ASCII.GetBytes(
                $"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\nContent-Type: "
                    + $"{type}\r\nContent-Length: {body.Length}\r\n\r\n"
            ),
            .. body,
        ];

    /// <summary>A whole GET as bytes.</summary>
    public static byte[] Question(string path, string key) =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n");

    /// <summary>The status.</summary>
    public async ValueTask<int> SendAsync(ReadOnlyMemory<byte> request)
    {
        for (var rest = request; rest.Length > 0; rest = rest[await _socket.SendAsync(rest)..]) { }

        (_length, _bodyAt) = (0, 0);
        do
        {
            if (_length == _buffer.Length)
                Array.Resize(ref _buffer, 2 * _buffer.Length);
            var read = await _socket.ReceiveAsync(_buffer.AsMemory(_length));
            if (read == 0)
                throw new IOException("The server closed the connection before it had answered.");
            _length += read;
        } while (!IsWhole());

        return Utf8Parser.TryParse(_buffer.AsSpan(9, 3), out int status, out _)
            ? status
            : throw new InvalidDataException("Not an HTTP answer.");
    }

    public void Dispose() => _socket.Dispose();

    private bool IsWhole()
    {
        var answer = _buffer.AsSpan(0, _length);
        if (_bodyAt == 0)
        {
            var end = answer.IndexOf("\r\n\r\n"u8);
            if (end < 0)
                return false;
            _bodyAt = end + 4;
        }

        var head = answer[.._bodyAt];
        var at = head.IndexOf("Content-Length: "u8);
        if (at < 0)
            return answer.EndsWith("0\r\n\r\n"u8); // chunked
        return Utf8Parser.TryParse(head[(at + 16)..], out int size, out _) && _length - _bodyAt >= size;
    }
}
