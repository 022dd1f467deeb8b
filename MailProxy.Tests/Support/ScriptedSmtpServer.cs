using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailProxy.Tests.Support;

/// <summary>
/// A loopback SMTP server that plays what a test wrote: for each phase a row of replies, used up one by one over all connections, then
/// the ordinary reply. Phases: CONNECT (the greeting), EHLO, STARTTLS, HANDSHAKE (tricks only), AUTH, MAIL, RCPT, DATA, BODY (its first
/// line came), DOT, RSET, QUIT.
/// </summary>
internal sealed class ScriptedSmtpServer : IAsyncDisposable
{
    /// <summary>Say nothing and read nothing until the client goes away.</summary>
    public const string Hang = "\0hang";

    /// <summary>Close the connection.</summary>
    public const string Drop = "\0drop";

    /// <summary>Close the connection with a TCP reset.</summary>
    public const string Reset = "\0reset";

    /// <summary>Before a reply: say it, and then close the connection.</summary>
    public const string ThenDrop = "\0then";

    private static readonly Lazy<X509Certificate2> SelfSigned = new(MakeCertificate);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<string, ConcurrentQueue<string>> _script = new();
    private readonly ConcurrentDictionary<(string Phase, int Count), TaskCompletionSource> _seen = new();
    private readonly ConcurrentDictionary<string, int> _counts = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _conversations = [];
    private readonly Task _accepting;

    public ScriptedSmtpServer()
    {
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Of localhost and 127.0.0.1, signed by itself.</summary>
    public static X509Certificate2 Certificate => SelfSigned.Value;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What EHLO offers; STARTTLS is added when <see cref="StartTls"/> is set and TLS is not there yet.</summary>
    public List<string> Extensions { get; } = ["PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];

    public bool StartTls { get; set; }

    public bool ImplicitTls { get; set; }

    /// <summary>Mails that got to their final dot, whatever was answered.</summary>
    public ConcurrentQueue<ReceivedMail> Mails { get; } = new();

    /// <summary>Everything that happened, over all connections: "1 MAIL FROM:&lt;a@x&gt;", "1 (gone)".</summary>
    public ConcurrentQueue<string> Journal { get; } = new();

    public int Connections => _counts.GetValueOrDefault("CONNECT");

    /// <summary>Adds replies for a phase.</summary>
    public ScriptedSmtpServer Say(string phase, params string[] replies)
    {
        var row = _script.GetOrAdd(phase, static _ => new());
        foreach (var reply in replies)
            row.Enqueue(reply);
        return this;
    }

    /// <summary>Completes when the phase was reached so many times.</summary>
    public Task Seen(string phase, int count = 1) =>
        (_counts.GetValueOrDefault(phase) >= count ? Task.CompletedTask : Signal(phase, count).Task).WaitAsync(TimeSpan.FromSeconds(30));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.WaitAsync(TimeSpan.FromSeconds(30));
        await Task.WhenAll(_conversations).WaitAsync(TimeSpan.FromSeconds(30));
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        for (var number = 1; ; number++)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }

            var connection = number;
            _conversations.Add(Task.Run(() => ServeAsync(socket, connection)));
        }
    }

    private async Task ServeAsync(Socket socket, int number)
    {
        using var owned = socket;
        socket.NoDelay = true;
        using var conversation = new Conversation(this, socket, number);
        try
        {
            await conversation.RunAsync();
        }
        catch (Exception error)
            when (error
                    is IOException
                        or SocketException
                        or OperationCanceledException
                        or ObjectDisposedException
                        or System.Security.Authentication.AuthenticationException
            )
        {
            // The client hung up, or the test is over.
        }

        Journal.Enqueue($"{number} (gone)");
        Reached("GONE");
    }

    private TaskCompletionSource Signal(string phase, int count)
    {
        var signal = _seen.GetOrAdd((phase, count), static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (_counts.GetValueOrDefault(phase) >= count)
            signal.TrySetResult();
        return signal;
    }

    private string Reached(string phase)
    {
        var count = _counts.AddOrUpdate(phase, 1, static (_, old) => old + 1);
        if (_seen.TryGetValue((phase, count), out var signal))
            signal.TrySetResult();
        return _script.TryGetValue(phase, out var row) && row.TryDequeue(out var reply) ? reply : "";
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    /// <summary>A mail as it came over the wire, dots unstuffed.</summary>
    internal sealed record ReceivedMail(int Connection, string Sender, IReadOnlyList<string> Recipients, byte[] Data)
    {
        public string Text => Encoding.UTF8.GetString(Data);
    }

    private sealed class Conversation(ScriptedSmtpServer server, Socket socket, int number) : IDisposable
    {
        private Stream _stream = new NetworkStream(socket, ownsSocket: false);
        private readonly byte[] _buffer = new byte[16384];
        private int _start,
            _end;
        private bool _secure;
        private string _sender = "";
        private readonly List<string> _recipients = [];

        public async Task RunAsync()
        {
            if (server.ImplicitTls && !await SecureAsync())
                return;
            if (!await AnswerAsync("CONNECT", "220 scripted ESMTP"))
                return;
            while (await ReadLineAsync() is { } octets)
            {
                var line = Encoding.UTF8.GetString(octets);
                server.Journal.Enqueue($"{number} {line}");
                var verb = line.Split(' ')[0].ToUpperInvariant();
                if (!await HandleAsync(verb, line))
                    return;
            }
        }

        public void Dispose() => _stream.Dispose();

        private async Task<bool> HandleAsync(string verb, string line)
        {
            switch (verb)
            {
                case "EHLO":
                    var offers = server.StartTls && !_secure ? server.Extensions.Append("STARTTLS") : server.Extensions;
                    return await AnswerAsync(
                        verb,
                        string.Join("\r\n", offers.Prepend("scripted").Select((o, i) => i == offers.Count() ? $"250 {o}" : $"250-{o}"))
                    );
                case "STARTTLS":
                    if (!await AnswerAsync(verb, "220 go"))
                        return false;
                    return await SecureAsync();
                case "MAIL":
                    _recipients.Clear();
                    _sender = Path(line);
                    return await AnswerAsync(verb, "250 2.1.0 ok");
                case "RCPT":
                    _recipients.Add(Path(line));
                    return await AnswerAsync(verb, "250 2.1.5 ok");
                case "DATA":
                    var reply = server.Reached(verb);
                    if (reply.Length > 0 && !reply.StartsWith("354", StringComparison.Ordinal))
                        return await SayAsync(reply);
                    return await SayAsync(reply.Length > 0 ? reply : "354 go") && await ReceiveAsync();
                case "QUIT":
                    await AnswerAsync(verb, "221 2.0.0 bye");
                    return false;
                default:
                    return await AnswerAsync(verb, verb == "AUTH" ? "235 2.7.0 ok" : "250 2.0.0 ok");
            }
        }

        private async Task<bool> ReceiveAsync()
        {
            var data = new MemoryStream();
            var first = true;
            while (await ReadLineAsync() is { } line)
            {
                if (first && server.Reached("BODY") is { Length: > 0 } trick)
                    return await SayAsync(trick);
                first = false;
                if (line is [(byte)'.'])
                {
                    server.Journal.Enqueue($"{number} .");
                    server.Mails.Enqueue(new(number, _sender, [.. _recipients], data.ToArray()));
                    return await AnswerAsync("DOT", "250 2.0.0 queued");
                }

                data.Write(line.AsSpan(line is [(byte)'.', ..] ? 1 : 0));
                data.Write("\r\n"u8);
            }

            return false;
        }

        private Task<bool> AnswerAsync(string phase, string ordinary) =>
            server.Reached(phase) is { Length: > 0 } scripted ? SayAsync(scripted) : SayAsync(ordinary);

        private async Task<bool> SayAsync(string reply)
        {
            switch (reply)
            {
                case Hang:
                    await Task.Delay(Timeout.Infinite, server._stop.Token);
                    return false;
                case Reset:
                    socket.LingerState = new(true, 0);
                    return false;
                case Drop:
                    return false;
                default:
                    var last = reply.StartsWith(ThenDrop, StringComparison.Ordinal);
                    await _stream.WriteAsync(
                        Encoding.UTF8.GetBytes((last ? reply[ThenDrop.Length..] : reply) + "\r\n"),
                        server._stop.Token
                    );
                    return !last;
            }
        }

        private async Task<bool> SecureAsync()
        {
            if (server.Reached("HANDSHAKE") is { Length: > 0 } trick)
                return await SayAsync(trick);
            var tls = new SslStream(_stream);
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificate = SelfSigned.Value },
                server._stop.Token
            );
            _stream = tls;
            return _secure = true;
        }

        private async Task<byte[]?> ReadLineAsync()
        {
            var line = new MemoryStream();
            while (true)
            {
                var end = Array.IndexOf(_buffer, (byte)'\n', _start, _end - _start);
                if (end >= 0)
                {
                    line.Write(_buffer, _start, end - _start);
                    _start = end + 1;
                    var bytes = line.ToArray();
                    return bytes is [.., (byte)'\r'] ? bytes[..^1] : bytes;
                }

                line.Write(_buffer, _start, _end - _start);
                (_start, _end) = (0, await _stream.ReadAsync(_buffer, server._stop.Token));
                if (_end == 0)
                    return null;
            }
        }

        private static string Path(string line) => line[(line.IndexOf('<') + 1)..line.LastIndexOf('>')];
    }
}
