using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// The sockets that HTTP listens on, with a gate: once it is closed no connection is accepted any more, while those that are open go on.
/// Whoever connects to a socket of the service manager then waits for the process that comes next.
/// </summary>
internal sealed class AcceptGate(IOptions<SocketTransportOptions> options, ILoggerFactory logs)
    : IConnectionListenerFactory,
        IConnectionListenerFactorySelector,
        IDisposable
{
    private readonly SocketTransportFactory _sockets = new(options, logs);
    private readonly CancellationTokenSource _closed = new();
    private readonly ConcurrentBag<Listener> _listeners = [];
    private readonly Lock _counting = new();
    private TaskCompletionSource? _noneOpen;
    private int _open;

    /// <summary>Accepts nothing more. Completes when every connection that was accepted is counted.</summary>
    /// <param name="held">Somebody else holds the sockets too: what is in the backlog stays there. Otherwise who connects is
    /// refused.</param>
    public async Task CloseAsync(bool held)
    {
        await _closed.CancelAsync();
        foreach (var listener in _listeners)
        {
            await listener.Closed;
            if (!held)
                await listener.UnbindAsync();
        }
    }

    /// <summary>Completes when no connection is open.</summary>
    public Task NoneOpenAsync()
    {
        lock (_counting)
        {
            if (_open == 0)
                return Task.CompletedTask;
            _noneOpen ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _noneOpen.Task;
        }
    }

    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = new Listener(this, await _sockets.BindAsync(endpoint, cancellationToken));
        _listeners.Add(listener);
        return listener;
    }

    public void Dispose() => _closed.Dispose();

    private void Count(ConnectionContext connection)
    {
        lock (_counting)
            _open++;
        connection.ConnectionClosed.UnsafeRegister(static gate => ((AcceptGate)gate!).CountClosed(), this);
    }

    private void CountClosed()
    {
        lock (_counting)
        {
            if (--_open == 0)
                _noneOpen?.TrySetResult();
        }
    }

    private sealed class Listener(AcceptGate gate, IConnectionListener inner) : IConnectionListener
    {
        private readonly TaskCompletionSource _acceptsNoMore = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Closed => _acceptsNoMore.Task;

        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                var connection = await inner.AcceptAsync(gate._closed.Token);
                if (connection is not null)
                    gate.Count(connection);
                else
                    _acceptsNoMore.TrySetResult();
                return connection;
            }
            catch (OperationCanceledException) when (gate._closed.IsCancellationRequested)
            {
                _acceptsNoMore.TrySetResult();
                await _unbound.Task.WaitAsync(cancellationToken);
                return null;
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _unbound.TrySetResult();
            return inner.UnbindAsync(cancellationToken);
        }

        public ValueTask DisposeAsync()
        {
            _unbound.TrySetResult();
            return inner.DisposeAsync();
        }
    }
}
