using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Tests.Support;

/// <summary>A socket that says what it is told and reads replies, for conversations that no library would have.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private StreamReader _reader = StreamReader.Null;

    public static async Task<RawClient> ConnectAsync(IPEndPoint endPoint)
    {
        var client = new RawClient();
        await client._socket.ConnectAsync(endPoint);
        client._reader = new StreamReader(new NetworkStream(client._socket), Encoding.UTF8);
        return client;
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await _socket.SendAsync(bytes)..];
    }

    /// <summary>Each byte in a packet of its own, as far as the kernel lets them be.</summary>
    public async Task TrickleAsync(string text)
    {
        foreach (var one in Encoding.UTF8.GetBytes(text))
            await SendAsync(new[] { one });
    }

    /// <summary>One whole reply, its lines parted by LF; null when the server closed.</summary>
    public async Task<string?> ReplyAsync()
    {
        var reply = new StringBuilder();
        while (true)
        {
            var line = await LineAsync();
            if (line is null)
                return null;
            reply.Append(line);
            if (line.Length < 4 || line[3] != '-')
                return reply.ToString();
            reply.Append('\n');
        }
    }

    public async Task<IReadOnlyList<string?>> RepliesAsync(int count)
    {
        var replies = new List<string?>();
        for (var i = 0; i < count; i++)
            replies.Add(await ReplyAsync());
        return replies;
    }

    public async Task<string?> AskAsync(string line)
    {
        await SendAsync(line + "\r\n");
        return await ReplyAsync();
    }

    /// <summary>All that still comes until the server closes.</summary>
    public async Task<string> RestAsync()
    {
        var rest = new StringBuilder();
        var some = new char[4096];
        try
        {
            while (await _reader.ReadAsync(some).AsTask().WaitAsync(Deadline) is var read and > 0)
                rest.Append(some, 0, read);
        }
        catch (IOException)
        {
            // Closed and reset are the same to a client.
        }

        return rest.ToString();
    }

    public ValueTask DisposeAsync()
    {
        _reader.Dispose();
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    // Closed and reset are the same to a client: nobody is there any more.
    public async Task<string?> LineAsync()
    {
        try
        {
            return await _reader.ReadLineAsync().WaitAsync(Deadline);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
