using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Bounds HTTP connections, so that the process never runs out of files for its store and its mail. When all are taken, the one that has
/// been without a
/// request for longest is closed for a new one: whoever opens connections and says nothing shuts nobody out.
/// </summary>
internal sealed class ConnectionLimit(int most)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Standing> _idle = []; // without a request, the longest first
    private int _open;
    private bool _closesAfterAnswers;

    public int Most => most;

    public int Open => Volatile.Read(ref _open);

    /// <summary>From now on every answer closes its connection.</summary>
    public void CloseAfterAnswers() => Volatile.Write(ref _closesAfterAnswers, true);

    /// <summary>The server's step for each connection.</summary>
    public async Task RunAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var standing = new Standing(connection);
        if (!Admit(standing))
        {
            connection.Abort();
            return;
        }

        connection.Items[typeof(Standing)] = standing;
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(standing);
        }
    }

    /// <summary>Around each request: its connection is not idle meanwhile.</summary>
    public async Task RunAsync(HttpContext http, RequestDelegate next)
    {
        object? found = null;
        http.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(typeof(Standing), out found);
        if (found is not Standing standing)
        {
            await next(http); // not over a connection of ours
            return;
        }

        if (Volatile.Read(ref _closesAfterAnswers) && HttpProtocol.IsHttp11(http.Request.Protocol))
            http.Response.Headers.Connection = "close";
        lock (_gate)
            Forget(standing);
        try
        {
            await next(http);
        }
        finally
        {
            lock (_gate)
            {
                if (!standing.Gone)
                    _idle.AddLast(standing.Place);
            }
        }
    }

    private bool Admit(Standing standing)
    {
        Standing? closed = null;
        lock (_gate)
        {
            if (_open >= most)
            {
                closed = _idle.First?.Value;
                if (closed is null)
                    return false;
                Remove(closed);
            }

            _open++;
            _idle.AddLast(standing.Place);
        }

        closed?.Connection.Abort();
        return true;
    }

    private void Leave(Standing standing)
    {
        lock (_gate)
            Remove(standing);
    }

    private void Remove(Standing standing)
    {
        if (standing.Gone)
            return;
        standing.Gone = true;
        Forget(standing);
        _open--;
    }

    private void Forget(Standing standing)
    {
        if (standing.Place.List is not null)
            _idle.Remove(standing.Place);
    }

    private sealed class Standing
    {
        public Standing(ConnectionContext connection)
        {
            Connection = connection;
            Place = new(this);
        }

        public ConnectionContext Connection { get; }
        public LinkedListNode<Standing> Place { get; }
        public bool Gone { get; set; }
    }
}
