using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace MailProxy.Tests.Support;

/// <summary>
/// A loopback SMTP server that plays what a test or a benchmark wrote. To each phase it says the next of its row of replies, used up one by
/// one over all connections; then what a function makes up on the spot, which may take its time; then the ordinary reply. Phases: CONNECT
/// (the greeting), what the client says (EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, BDAT with its octets, RSET, QUIT), SASL (a line within
/// AUTH), DOT (the end of a mail, the last BDAT too); for rows only HANDSHAKE and BODY (its first line came).
/// </summary>
internal sealed class ScriptedSmtpServer : IAsyncDisposable
{
    /// <summary>In a row: neither speaks nor reads until the server is disposed.</summary>
    public const string Hang = "\0hang";

    /// <summary>In a row: closes the connection.</summary>
    public const string Drop = "\0drop";

    /// <summary>In a row: closes the connection with a TCP reset.</summary>
    public const string Reset = "\0reset";

    /// <summary>In a row, before a reply: says it, and then closes the connection.</summary>
    public const string ThenDrop = "\0then";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TcpListener _listener;
    private readonly Func<Heard, Task<Said?>> _say;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Said>> _script = new();
    private readonly ConcurrentDictionary<(string Phase, int Count), TaskCompletionSource> _seen = new();
    private readonly ConcurrentDictionary<string, int> _counts = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<int, Task> _conversations = [];
    private readonly ConcurrentDictionary<int, Socket> _sockets = [];
    private readonly Task _accepting;
    private int _open,
        _turnedAway;

    public ScriptedSmtpServer(int port = 0)
        : this(static _ => Task.FromResult<Said?>(null), port) { }

    /// <param name="say">What is said; null: the ordinary reply.</param>
    /// <param name="port">0: any that is free.</param>
    public ScriptedSmtpServer(Func<Heard, Said?> say, int port = 0)
        : this(heard => Task.FromResult(say(heard)), port) { }

    /// <inheritdoc cref="ScriptedSmtpServer(Func{Heard, Said?}, int)"/>
    public ScriptedSmtpServer(Func<Heard, Task<Said?>> say, int port = 0)
    {
        _say = say;
        _listener = new(IPAddress.Loopback, port);
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What EHLO offers; STARTTLS is added when <see cref="StartTls"/> is set and TLS is not there yet. BDAT is understood
    /// whether CHUNKING is among it or not.</summary>
    public List<string> Extensions { get; } = ["PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"];

    public bool StartTls { get; set; }

    /// <summary>Speaks TLS before the greeting.</summary>
    public bool ImplicitTls { get; set; }

    /// <summary>Whether commands, mails and their bodies are kept. A benchmark keeps none, and asks <see cref="Replied"/>.</summary>
    public bool KeepsRecord { get; init; } = true;

    /// <summary>Called after the reply to the dot of each mail was sent.</summary>
    public Action<ReceivedMail>? Replied { get; init; }

    /// <summary>How many connections it bears; the others are told 421 as they come.</summary>
    public int Places { get; set; } = int.MaxValue;

    /// <summary>Connections that found no place.</summary>
    public int TurnedAway => Volatile.Read(ref _turnedAway);

    /// <summary>Mails that got to their final dot, whatever was answered.</summary>
    public ConcurrentQueue<ReceivedMail> Mails { get; } = new();

    /// <summary>Mails whose dot was answered with a 2xx.</summary>
    public ConcurrentQueue<ReceivedMail> Taken { get; } = new();

    /// <summary>Every line that is no content, over all connections, and the greetings.</summary>
    public ConcurrentQueue<Heard> Commands { get; } = new();

    /// <summary>What happened, over all connections: "1 MAIL FROM:&lt;a@x&gt;", "1 (gone)".</summary>
    public ConcurrentQueue<string> Journal { get; } = new();

    /// <summary>What the clients said, without content.</summary>
    public IEnumerable<string> Lines => Commands.Select(static heard => heard.Line);

    public int Connections => _counts.GetValueOrDefault("CONNECT");

    /// <summary>Adds replies for a phase.</summary>
    public ScriptedSmtpServer Say(string phase, params string[] replies)
    {
        var row = _script.GetOrAdd(phase, static _ => new());
        foreach (var reply in replies)
            row.Enqueue(Read(reply));
        return this;
    }

    /// <summary>Completes when the phase was reached so many times.</summary>
    public Task Seen(string phase, int count = 1) =>
        (_counts.GetValueOrDefault(phase) >= count ? Task.CompletedTask : Signal(phase, count).Task).WaitAsync(Deadline);

    /// <summary>From now on no packet gets through, on the connections that are there neither.</summary>
    public void SwallowPackets()
    {
        PacketFilter.DropPackets(_listener.Server);
        foreach (var socket in _sockets.Values)
            PacketFilter.DropPackets(socket);
    }

    /// <summary>New connections get through again.</summary>
    public void TakePackets() => PacketFilter.TakePackets(_listener.Server);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.WaitAsync(Deadline);
        await Task.WhenAll(_conversations.Values).WaitAsync(Deadline);
        _stop.Dispose();
    }

    /// <summary>The reply to this command.</summary>
    internal async Task<Said> ReplyAsync(Heard heard, Said ordinary)
    {
        if (KeepsRecord)
            Commands.Enqueue(heard);
        if (KeepsRecord && heard.Verb != "CONNECT")
            Journal.Enqueue($"{heard.Connection} {heard.Line}");
        Count(heard.Verb);
        return Next(heard.Verb) ?? await _say(heard) ?? ordinary;
    }

    /// <summary>What a row has for a phase in which the server does not speak otherwise.</summary>
    internal Said? Trick(string phase)
    {
        Count(phase);
        return Next(phase);
    }

    internal void HasReceived(ReceivedMail mail)
    {
        if (KeepsRecord)
            Mails.Enqueue(mail);
    }

    internal void HasTaken(ReceivedMail mail)
    {
        if (KeepsRecord)
            Taken.Enqueue(mail);
    }

    internal void HasReplied(ReceivedMail mail) => Replied?.Invoke(mail);

    private static Said Read(string reply) =>
        reply switch
        {
            Hang => new("", SaidThen.Hang),
            Drop => new("", SaidThen.Close),
            Reset => new("", SaidThen.Reset),
            _ when reply.StartsWith(ThenDrop, StringComparison.Ordinal) => ((Said)reply[ThenDrop.Length..]!) with { Then = SaidThen.Close },
            _ => reply!,
        };

    private async Task AcceptAsync()
    {
        for (var number = 1; ; number++)
        {
            try
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                Begin(socket, number);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    // Decided one after the other: those that find no place never take one, not even for a moment.
    private void Begin(Socket socket, int number)
    {
        var isFull = Interlocked.Increment(ref _open) > Places;
        if (isFull)
            Interlocked.Decrement(ref _open);
        var conversation = Task.Run(() => isFull ? TurnAwayAsync(socket) : ServeAsync(socket, number));
        _conversations[number] = conversation;
        conversation.ContinueWith(
            _ => _conversations.TryRemove(number, out var _),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion,
            TaskScheduler.Default
        );
    }

    private async Task ServeAsync(Socket socket, int number)
    {
        using var owned = socket;
        socket.NoDelay = true;
        _sockets[number] = socket;
        using var conversation = new ScriptedConversation(this, socket, number, _stop.Token);
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
                        or AuthenticationException
            )
        {
            // The client hung up, or the test is over.
        }

        _sockets.TryRemove(number, out _);
        Interlocked.Decrement(ref _open);
        if (KeepsRecord)
            Journal.Enqueue($"{number} (gone)");
        Count("GONE");
    }

    private async Task TurnAwayAsync(Socket socket)
    {
        using var owned = socket;
        Interlocked.Increment(ref _turnedAway);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync("421 4.7.0 too many connections\r\n"u8.ToArray(), _stop.Token);
    }

    private TaskCompletionSource Signal(string phase, int count)
    {
        var signal = _seen.GetOrAdd((phase, count), static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (_counts.GetValueOrDefault(phase) >= count)
            signal.TrySetResult();
        return signal;
    }

    private void Count(string phase)
    {
        var count = _counts.AddOrUpdate(phase, 1, static (_, old) => old + 1);
        if (_seen.TryGetValue((phase, count), out var signal))
            signal.TrySetResult();
    }

    private Said? Next(string phase) => _script.TryGetValue(phase, out var row) && row.TryDequeue(out var reply) ? reply : null;
}
