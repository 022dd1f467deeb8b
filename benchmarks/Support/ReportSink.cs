using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace MailProxy.Benchmarks.Support;

/// <summary>A webhook endpoint that costs as little as an endpoint can: reads a request, answers it, keeps the connection.</summary>
internal sealed class ReportSink : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<double> _delays = new();
    private readonly byte[]? _answer;
    private readonly TimeSpan _wait;
    private readonly bool _reads;
    private int _requests,
        _events;

    /// <param name="status">Null: it never answers.</param>
    /// <param name="reads">Looks at the events, and how old they are.</param>
    public ReportSink(int? status, TimeSpan wait = default, bool reads = false)
    {
        _answer = status is { } code ? Encoding.ASCII.GetBytes($"HTTP/1.1 {code} Told\r\nContent-Length: 0\r\n\r\n") : null;
        (_wait, _reads) = (wait, reads);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _ = AcceptAsync();
    }

    public string Url => $"http://{_listener.LocalEndPoint}/hook";

    public int Requests => Volatile.Read(ref _requests);

    /// <summary>How many events were told, and how old each was when it came, in milliseconds.</summary>
    public int Events => Volatile.Read(ref _events);

    public IReadOnlyCollection<double> Delays => _delays;

    public void Forget() => _delays.Clear();

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptAsync(_stop.Token));
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var _ = socket;
        socket.NoDelay = true;
        var (buffer, filled) = (new byte[1 << 20], 0);
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(filled), _stop.Token) is var read and > 0)
            {
                filled += read;
                if (Whole(buffer.AsSpan(0, filled)) is not { } body)
                    continue;
                Take(buffer.AsSpan(0, filled)[body..]);
                filled = 0;
                if (_answer is null)
                    continue;
                if (_wait > TimeSpan.Zero)
                    await Task.Delay(_wait, _stop.Token);
                await socket.SendAsync(_answer, _stop.Token);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            // The daemon stopped, or gave up waiting.
        }
    }

    /// <summary>Where the body of a whole request begins.</summary>
    private static int? Whole(ReadOnlySpan<byte> request)
    {
        var head = request.IndexOf("\r\n\r\n"u8);
        if (head < 0)
            return null;
        var at = request[..head].IndexOf("Content-Length: "u8) + "Content-Length: ".Length;
        var text = request[at..head];
        var end = text.IndexOf("\r\n"u8);
        var length = int.Parse(end < 0 ? text : text[..end], CultureInfo.InvariantCulture);
        return request.Length >= head + 4 + length ? head + 4 : null;
    }

    private void Take(ReadOnlySpan<byte> body)
    {
        Interlocked.Increment(ref _requests);
        if (!_reads)
            return;
        using var json = JsonDocument.Parse(body.ToArray());
        var root = json.RootElement;
        IEnumerable<JsonElement> events = root.GetProperty("type").ValueEquals("batch")
            ? root.GetProperty("data").GetProperty("events").EnumerateArray()
            : [root];
        var now = DateTimeOffset.UtcNow;
        foreach (var one in events)
        {
            _delays.Enqueue((now - one.GetProperty("timestamp").GetDateTimeOffset()).TotalMilliseconds);
            Interlocked.Increment(ref _events);
        }
    }
}
