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

    /// <summary>Accepts nothing more. What is in the backlog stays there.</summary>
    public void Close() => _closed.Cancel();

    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await _sockets.BindAsync(endpoint, cancellationToken), _closed.Token);

    public void Dispose() => _closed.Dispose();

    private sealed class Listener(IConnectionListener inner, CancellationToken closed) : IConnectionListener
    {
        private readonly TaskCompletionSource _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.AcceptAsync(closed);
            }
            catch (OperationCanceledException) when (closed.IsCancellationRequested)
            {
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
