using System.Net;
using System.Net.Sockets;

namespace MailProxy.Daemon.Sandbox;

/// <summary>
/// The daemon's own SMTP server, so that a new installation has somewhere to send to. It has a socket listener of its own and is no
/// Kestrel
/// endpoint, because it must outlive the drain of the pipeline: start it before the pipeline, and stop it after.
/// </summary>
internal sealed partial class SandboxServer(SandboxMailbox mailbox, SandboxOptions options, TimeProvider clock, ILogger logger)
    : IAsyncDisposable
{
    private readonly SandboxMemory _memory = SandboxMemory.OfProcess;
    private readonly CancellationTokenSource _stop = new();
    private readonly AttemptCounter _attempts = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _conversations = [];
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    public SandboxMailbox Mailbox => mailbox;

    /// <summary>The address it listens on; null before the start.</summary>
    public IPEndPoint? EndPoint { get; private set; }

    /// <summary>Listens on 127.0.0.1. Throws <see cref="SocketException"/> when the port is taken.</summary>
    public Task<IPEndPoint> StartAsync()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(IPAddress.Loopback, options.Port));
            listener.Listen(512);
        }
        catch (SocketException error)
        {
            listener.Dispose();
            throw new IOException($"The sandbox cannot listen on 127.0.0.1:{options.Port} (Sandbox:Port): {error.Message}.", error);
        }

        _listener = listener;
        EndPoint = (IPEndPoint)listener.LocalEndPoint!;
        _accepting = Task.Run(() => AcceptAsync(listener));
        Log.Listening(logger, EndPoint);
        return Task.FromResult(EndPoint);
    }

    /// <summary>Stops listening, and aborts every conversation.</summary>
    public async Task StopAsync()
    {
        if (!_stop.IsCancellationRequested)
            await _stop.CancelAsync();
        _listener?.Dispose();
        await _accepting;
        Task[] conversations;
        lock (_lock)
            conversations = [.. _conversations];
        await Task.WhenAll(conversations);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException error) when (!_stop.IsCancellationRequested)
            {
                // The client disconnected between SYN and accept, or file descriptors ran out; the next attempt may succeed.
                Log.AcceptFailed(logger, error);
                await Task.Delay(TimeSpan.FromMilliseconds(50), clock);
                continue;
            }

            Begin(socket);
        }
    }

    private void Begin(Socket socket)
    {
        socket.NoDelay = true;
        lock (_lock)
        {
            var conversation = _conversations.Count < options.MaxConnections ? ConverseAsync(socket) : TurnAwayAsync(socket);
            _conversations.Add(conversation);
            _ = conversation.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private void Forget(Task conversation)
    {
        lock (_lock)
            _conversations.Remove(conversation);
    }

    private async Task ConverseAsync(Socket socket)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            var session = new SandboxSession(options.MaxMessageBytes, _attempts);
            await new SandboxConnection(socket, session, mailbox, _memory, options, clock).RunAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested) { }
        catch (Exception error) when (error is IOException or SocketException)
        {
            Log.ClientGone(logger, error.Message);
        }
        catch (Exception error)
        {
            Log.ConversationFailed(logger, error);
        }
    }

    private static async Task TurnAwayAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                await socket.SendAsync(SandboxReply.TooManyConnections.Bytes);
            }
            catch (SocketException)
            {
                // The client did not wait for the reply.
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(800, LogLevel.Information, "The sandbox takes mail at {EndPoint}")]
        public static partial void Listening(ILogger logger, IPEndPoint endPoint);

        [LoggerMessage(801, LogLevel.Warning, "The sandbox could not accept a connection")]
        public static partial void AcceptFailed(ILogger logger, Exception trouble);

        [LoggerMessage(802, LogLevel.Debug, "A client left the sandbox without QUIT: {Reason}")]
        public static partial void ClientGone(ILogger logger, string reason);

        [LoggerMessage(803, LogLevel.Error, "A conversation of the sandbox failed")]
        public static partial void ConversationFailed(ILogger logger, Exception bug);
    }
}
