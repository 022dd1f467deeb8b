using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Send;

/// <summary>One account's connections that nobody uses now, the last returned first. Used under its owner's lock.</summary>
/// <param name="capacity">Idle connections of all accounts together.</param>
internal sealed class IdleConnections(SharedCapacity capacity, SendOptions options, TimeProvider clock)
{
    // The longest unused first.
    private readonly List<SmtpConnection> _connections = [];

    public int Count => _connections.Count;

    /// <summary>When the next of them has been unused for too long; null when there is none.</summary>
    public TimeSpan? NextUnused => Count == 0 ? null : AtLeastOne(options.IdleConnection - clock.GetElapsedTime(_connections[0].IdleSince));

    /// <summary>Whether the connection has been idle for as long as one may be.</summary>
    public bool IsUnused(SmtpConnection connection) => clock.GetElapsedTime(connection.IdleSince) >= options.IdleConnection;

    /// <summary>False when no connection may be idle, or no more.</summary>
    public bool TryAdd(SmtpConnection connection)
    {
        if (
            options.IdleConnection <= TimeSpan.Zero
            || options.IdleConnections == 0
            || capacity.TryTake(connection.Account.Tenant, 1) is not { } slot
        )
            return false;
        connection.Rest = slot;
        connection.IdleSince = clock.GetTimestamp();
        _connections.Add(connection);
        return true;
    }

    /// <summary>Takes the connection that was returned last; null when there is none.</summary>
    public SmtpConnection? TakeLast()
    {
        if (Count == 0)
            return null;
        var connection = _connections[^1];
        _connections.RemoveAt(Count - 1);
        connection.Rest?.Dispose();
        return connection;
    }

    /// <summary>Takes every connection that the condition holds for.</summary>
    public List<SmtpConnection> Take(Predicate<SmtpConnection> which)
    {
        var taken = _connections.FindAll(which);
        foreach (var connection in taken)
        {
            _connections.Remove(connection);
            connection.Rest?.Dispose();
        }

        return taken;
    }

    // Timers count whole milliseconds and may fire early by less than one.
    private static TimeSpan AtLeastOne(TimeSpan time) => time < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : time;
}
