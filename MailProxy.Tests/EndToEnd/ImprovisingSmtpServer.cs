using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What an improvising server says: bytes as they are, and whether it hangs up then. Null bytes: it says nothing.</summary>
internal sealed record Improvised(byte[]? Bytes, bool HangUp = false)
{
    public static readonly Improvised Gone = new(null, true);

    public static implicit operator Improvised(string reply) => new(Encoding.Latin1.GetBytes(reply + "\r\n"));
}

/// <summary>
/// A loopback SMTP server whose every reply is made up on the spot by the test, which may also take its time: for faults that no row of
/// replies can tell (a full house, a reply that waits for a signal, noise). Phases: CONNECT, the verbs, and DOT.
/// </summary>
internal sealed class ImprovisingSmtpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _conversations = [];
    private readonly Func<string, Mail, Task<Improvised>> _say;
    private readonly Task _accepting;
    private int _open,
        _turnedAway;

    /// <param name="say">Phase and the mail so far; what is said.</param>
    public ImprovisingSmtpServer(Func<string, Mail, Task<Improvised>> say)
    {
        _say = say;
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Connections open now, the one that asks among them.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>How many connections it bears; the others are told 421 as they come.</summary>
    public int Places { get; set; } = int.MaxValue;

    /// <summary>Connections that found no place.</summary>
    public int TurnedAway => Volatile.Read(ref _turnedAway);

    /// <summary>Mails whose dot was answered with a 2xx.</summary>
    public ConcurrentQueue<Mail> Taken { get; } = new();

    public CancellationToken Over => _stop.Token;

    /// <summary>The ordinary reply of a phase.</summary>
    public static string Ordinary(string phase) =>
        phase switch
        {
            "CONNECT" => "220 improvised ESMTP",
            "EHLO" => "250-improvised\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES",
            "DATA" => "354 go",
            "DOT" => "250 2.0.0 taken",
            "QUIT" => "221 2.0.0 bye",
            _ => "250 2.0.0 ok",
        };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.WaitAsync(TestDaemon.Patience);
        await Task.WhenAll(_conversations).WaitAsync(TestDaemon.Patience);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);

                // Decided here, one after the other: those that find no place never take one, not even for a moment.
                var full = Interlocked.Increment(ref _open) > Places;
                if (full)
                    Interlocked.Decrement(ref _open);
                _conversations.Add(Task.Run(() => full ? TurnAwayAsync(socket) : ServeAsync(socket)));
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var owned = socket;
        socket.NoDelay = true;
        try
        {
            await using var stream = new NetworkStream(socket);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            await ConverseAsync(stream, reader);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            // The client hung up, or the test is over.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task TurnAwayAsync(Socket socket)
    {
        using var owned = socket;
        Interlocked.Increment(ref _turnedAway);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync("421 4.7.0 too many connections\r\n"u8.ToArray(), _stop.Token);
    }

    private async Task ConverseAsync(NetworkStream stream, StreamReader reader)
    {
        var mail = new Mail();
        if (!await SayAsync(stream, "CONNECT", mail))
            return;
        while (await reader.ReadLineAsync(_stop.Token) is { } line)
        {
            var verb = line.Split(' ')[0].ToUpperInvariant();
            if (verb == "MAIL")
                mail = new();
            if (verb == "RCPT")
                mail.Asked = line[(line.IndexOf('<') + 1)..line.LastIndexOf('>')];
            if (!await SayAsync(stream, verb, mail))
                return;
            if (verb != "DATA" || !mail.Started)
                continue;

            var whole = false;
            while (!whole && await reader.ReadLineAsync(_stop.Token) is { } content)
            {
                whole = content == ".";
                if (content.StartsWith("X-Mail-Key:", StringComparison.OrdinalIgnoreCase))
                    mail.Key = content["X-Mail-Key:".Length..].Trim();
            }

            // Let go before the dot: no server keeps such a mail.
            if (!whole)
                return;
            mail.Started = false;
            if (!await SayAsync(stream, "DOT", mail))
                return;
        }
    }

    private async Task<bool> SayAsync(NetworkStream stream, string phase, Mail mail)
    {
        var said = await _say(phase, mail);
        if (said.Bytes is { } bytes)
        {
            if (phase == "RCPT" && bytes is [(byte)'2', (byte)'5', _, (byte)' ', ..])
                mail.Recipients.Add(mail.Asked);
            if (phase == "DATA")
                mail.Started = bytes.AsSpan().StartsWith("354"u8);
            if (
                phase == "DOT"
                && bytes
                    is [(byte)'2', >= (byte)'0' and <= (byte)'5', >= (byte)'0' and <= (byte)'9', (byte)' ' or (byte)'-' or (byte)'\r', ..]
            )
                Taken.Enqueue(mail);
            await stream.WriteAsync(bytes, _stop.Token);
        }

        return !said.HangUp && phase != "QUIT";
    }

    /// <summary>A mail on its way in.</summary>
    internal sealed class Mail
    {
        /// <summary>Those that were accepted, in plain words: a reply of one line.</summary>
        public List<string> Recipients { get; } = [];

        /// <summary>Its X-Mail-Key header.</summary>
        public string? Key { get; set; }

        internal string Asked { get; set; } = "";

        internal bool Started { get; set; }
    }
}
