using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Tests.Support;

/// <summary>What a server says, octet by octet (Latin-1), and what it does then.</summary>
internal sealed record Said(string Text, SaidThen Then = SaidThen.Listen)
{
    [return: NotNullIfNotNull(nameof(line))]
    public static implicit operator Said?(string? line) => line is null ? null : new(line + "\r\n");
}

internal enum SaidThen
{
    Listen,
    Close,

    /// <summary>A TCP reset, once the other side has what was said.</summary>
    Reset,

    /// <summary>Neither speaks nor reads until the client goes away.</summary>
    Hang,
}

/// <summary>A command as the server got it. Verbs: CONNECT (the greeting), what the client said in upper case, SASL (a line within
/// AUTH), DOT (the end of a mail).</summary>
internal sealed record Heard(int Connection, string Verb, string Line);

/// <summary>A loopback SMTP server of which the test makes every answer, for the odd ones and for those who lie. Null: the ordinary
/// answer.</summary>
internal sealed class OddSmtpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<Heard, Said?> _say;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _conversations = [];
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _seen = new();
    private readonly Task _accepting;
    private int _connections;

    public OddSmtpServer(Func<Heard, Said?> say)
    {
        _say = say;
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Speaks TLS before the greeting.</summary>
    public bool ImplicitTls { get; init; }

    /// <summary>Every line that is no content, over all connections.</summary>
    public ConcurrentQueue<Heard> Journal { get; } = new();

    /// <summary>The recipients of every mail whose dot came, in the order of RCPT, the refused among them.</summary>
    public ConcurrentQueue<(int Connection, string[] Recipients)> Dots { get; } = new();

    public IEnumerable<string> Lines => Journal.Select(static heard => heard.Line);

    /// <summary>Completes when such a verb was first heard.</summary>
    public Task Heard(string verb) => Signal(verb).Task.WaitAsync(TimeSpan.FromSeconds(30));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.WaitAsync(TimeSpan.FromSeconds(30));
        await Task.WhenAll(_conversations).WaitAsync(TimeSpan.FromSeconds(30));
        _stop.Dispose();
    }

    private static string Ordinary(string verb) =>
        verb switch
        {
            "CONNECT" => "220 odd ESMTP",
            "EHLO" => "250-odd\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES",
            "STARTTLS" => "220 go",
            "AUTH" or "SASL" => "235 2.7.0 welcome",
            "DATA" => "354 go",
            "QUIT" => "221 2.0.0 bye",
            _ => "250 2.0.0 ok",
        };

    private TaskCompletionSource Signal(string verb) =>
        _seen.GetOrAdd(verb, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                var number = Interlocked.Increment(ref _connections);
                _conversations.Add(Task.Run(() => ServeAsync(socket, number)));
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket, int number)
    {
        using var owned = socket;
        socket.NoDelay = true;
        try
        {
            Stream stream = new NetworkStream(socket);
            if (ImplicitTls)
                stream = await ProtectAsync(stream);
            await ConverseAsync(socket, stream, number);
        }
        catch (Exception error)
            when (error
                    is IOException
                        or SocketException
                        or OperationCanceledException
                        or System.Security.Authentication.AuthenticationException
            )
        {
            // The client hung up, or the test is over.
        }

        Signal("GONE").TrySetResult();
    }

    private async Task ConverseAsync(Socket socket, Stream stream, int number)
    {
        var reader = new LineReader(stream);
        var recipients = new List<string>();
        var (sasl, verb, line) = (false, "CONNECT", "");
        while (true)
        {
            Journal.Enqueue(new(number, verb, line));
            if (verb == "MAIL")
                recipients.Clear();
            if (verb == "RCPT")
                recipients.Add(line[(line.IndexOf('<') + 1)..line.LastIndexOf('>')]);
            if (verb == "DOT")
                Dots.Enqueue((number, [.. recipients]));
            var said = _say(new(number, verb, line)) ?? (Said)Ordinary(verb);
            Signal(verb).TrySetResult();
            await stream.WriteAsync(Encoding.Latin1.GetBytes(said.Text), _stop.Token);
            if (said.Then != SaidThen.Listen || verb == "QUIT")
            {
                await EndAsync(socket, stream, said.Then);
                return;
            }

            if (verb == "STARTTLS" && said.Text.StartsWith("220", StringComparison.Ordinal))
                reader = new(stream = await ProtectAsync(stream));
            sasl = verb is "AUTH" or "SASL" && said.Text.StartsWith("334", StringComparison.Ordinal);
            if (verb == "DATA" && said.Text is ['3', ..])
            {
                while ((line = await reader.ReadAsync(_stop.Token)) is not "." and not null)
                    ;
                verb = "DOT";
            }
            else
            {
                line = await reader.ReadAsync(_stop.Token);
                verb = sasl ? "SASL" : line?.Split(' ')[0].ToUpperInvariant() ?? "";
            }

            if (line is null)
                return;
        }
    }

    private async Task EndAsync(Socket socket, Stream stream, SaidThen then)
    {
        if (then == SaidThen.Hang)
            await Task.Delay(Timeout.Infinite, _stop.Token);
        if (then == SaidThen.Reset)
            socket.LingerState = new(true, 0);
        await stream.DisposeAsync();
    }

    private async Task<Stream> ProtectAsync(Stream stream)
    {
        var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions { ServerCertificate = ScriptedSmtpServer.Certificate },
            _stop.Token
        );
        return tls;
    }

    private sealed class LineReader(Stream stream)
    {
        private readonly byte[] _buffer = new byte[16384];
        private int _start,
            _end;

        public async Task<string?> ReadAsync(CancellationToken cancel)
        {
            var line = new StringBuilder();
            while (true)
            {
                var end = Array.IndexOf(_buffer, (byte)'\n', _start, _end - _start);
                line.Append(Encoding.Latin1.GetString(_buffer, _start, (end < 0 ? _end : end) - _start));
                _start = end < 0 ? _end : end + 1;
                if (end >= 0)
                    return line.ToString().TrimEnd('\r');
                (_start, _end) = (0, await stream.ReadAsync(_buffer, cancel));
                if (_end == 0)
                    return null;
            }
        }
    }
}
