using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Tests.Support;

/// <summary>A connection that sends what it is told, whether it is HTTP or not, and reads whole answers.</summary>
internal sealed class RawHttp : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly TcpClient _client = new() { NoDelay = true };
    private Stream _stream = Stream.Null;

    public static async Task<RawHttp> ConnectAsync(Uri server)
    {
        var raw = new RawHttp();
        await raw._client.ConnectAsync(server.Host, server.Port);
        raw._stream = raw._client.GetStream();
        return raw;
    }

    /// <summary>Completes when the server has closed a new connection, however soon.</summary>
    public static async Task RefusedAsync(Uri server)
    {
        try
        {
            using var raw = await ConnectAsync(server);
            await raw.ClosedAsync();
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Before the client had looked.
        }
    }

    /// <summary>A head with a Host and a key, and whatever follows.</summary>
    public static string Head(string line, string key, params string[] headers) =>
        $"{line}\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{string.Concat(headers.Select(static header => header + "\r\n"))}\r\n";

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _stream.WriteAsync(bytes);

    /// <summary>The next answer; null: the server closed without one.</summary>
    public async Task<(int Status, string Head, string Body)?> AnswerAsync()
    {
        if (await UntilAsync("\r\n\r\n") is not { } text)
            return null;
        var status = int.Parse(text.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture);
        if (text.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
            return (status, text, await ChunksAsync());
        const string Length = "Content-Length:";
        var at = text.IndexOf(Length, StringComparison.OrdinalIgnoreCase);
        var length = at < 0 ? 0 : int.Parse(text[(at + Length.Length)..].Split("\r\n")[0].Trim(), CultureInfo.InvariantCulture);
        return (status, text, await TakeAsync(length));
    }

    /// <summary>Completes when the server has closed.</summary>
    public async Task ClosedAsync()
    {
        while (await ByteAsync() is not null)
        {
            // What it still said.
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<string> ChunksAsync()
    {
        var body = new StringBuilder();
        while (await UntilAsync("\r\n") is { } size)
        {
            body.Append(await TakeAsync(int.Parse(size.Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)));
            await TakeAsync(2);
            if (size.Trim() == "0")
                break;
        }

        return body.ToString();
    }

    private async Task<string?> UntilAsync(string end)
    {
        var text = new StringBuilder();
        while (!text.ToString().EndsWith(end, StringComparison.Ordinal))
        {
            if (await ByteAsync() is not { } one)
                return null;
            text.Append((char)one);
        }

        return text.ToString();
    }

    private async Task<string> TakeAsync(int count)
    {
        var bytes = new byte[count];
        for (var i = 0; i < count; i++)
            bytes[i] = await ByteAsync() ?? throw new EndOfStreamException("The server closed within an answer.");
        return Encoding.UTF8.GetString(bytes);
    }

    // Closed and reset are the same here: nobody is there any more.
    private async Task<byte?> ByteAsync()
    {
        var one = new byte[1];
        try
        {
            return await _stream.ReadAsync(one).AsTask().WaitAsync(Deadline) == 1 ? one[0] : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
