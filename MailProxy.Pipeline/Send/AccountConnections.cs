using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Telemetry;
using Prometheus;

namespace MailProxy.Pipeline.Send;

/// <summary>One account's connections: a slot for each that is open or being opened, idle ones used last in first out, waiters served first come first.</summary>
internal sealed class AccountConnections : IDisposable
{
    private readonly Func<SmtpAccount, CancellationToken, Task<SmtpConnection>> _open;
    private readonly Farewells _farewells;
    private readonly SendOptions _options;
    private readonly TimeProvider _clock;
    private readonly Gauge.Child _busyGauge, _idleGauge;
    private readonly System.Threading.ITimer _idleTimer;

    private readonly Lock _gate = new();

    /// <summary>The longest unused first.</summary>
    private readonly List<SmtpConnection> _idle = [];

    /// <summary>Each is given a connection, or null: a slot in which to open one.</summary>
    private readonly Queue<TaskCompletionSource<SmtpConnection?>> _waiters = new();

    private int _slots, _established, _limit, _version;
    private bool _closed;

    public AccountConnections(
        Func<SmtpAccount, CancellationToken, Task<SmtpConnection>> open, Farewells farewells, SendOptions options, TimeProvider clock, PipelineMetrics metrics, string name)
    {
        (_open, _farewells, _options, _clock) = (open, farewells, options, clock);
        _busyGauge = metrics.Connections.WithLabels(name, "busy");
        _idleGauge = metrics.Connections.WithLabels(name, "idle");
        _idleTimer = clock.CreateTimer(static self => ((AccountConnections)self!).CloseUnused(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public async ValueTask<SmtpConnection> RentAsync(SmtpAccount account, CancellationToken abort)
    {
        abort.ThrowIfCancellationRequested();
        TaskCompletionSource<SmtpConnection?>? turn = null;
        lock (_gate)
        {
            (_limit, _version) = (account.MaxConnections, account.Version);
            if (TakeIdle() is { } idle) return idle;
            if (_slots < _limit) _slots++;
            else _waiters.Enqueue(turn = new(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        if (turn is null || await TurnAsync(turn, abort) is not { } given) return await OpenInSlotAsync(account, abort);
        return given.Account.Version == account.Version ? given : await ReplaceAsync(given, account, abort);
    }

    /// <summary>Closes a connection and opens another in its slot.</summary>
    public ValueTask<SmtpConnection> ReplaceAsync(SmtpConnection dead, SmtpAccount account, CancellationToken abort)
    {
        lock (_gate)
        {
            _established--;
            Publish();
        }

        _farewells.Say(dead);
        return OpenInSlotAsync(account, abort);
    }

    public void Return(SmtpConnection connection)
    {
        lock (_gate)
        {
            if (!_closed && IsFit(connection) && _slots <= _limit && (TryGive(connection) || TryRest(connection)))
            {
                Publish();
                return;
            }

            _established--;
            FreeSlot();
            Publish();
        }

        _farewells.Say(connection);
    }

    /// <summary>The account has changed to this version, or is gone.</summary>
    public void CloseOutdated(int? version)
    {
        lock (_gate)
        {
            _version = version ?? -1;
            CloseIdle(connection => connection.Account.Version != _version);
        }
    }

    public void Dispose()
    {
        _idleTimer.Dispose();
        lock (_gate)
        {
            _closed = true;
            CloseIdle(static _ => true);
        }
    }

    private static async Task<SmtpConnection?> TurnAsync(TaskCompletionSource<SmtpConnection?> turn, CancellationToken abort)
    {
        await using (abort.UnsafeRegister(static turn => ((TaskCompletionSource<SmtpConnection?>)turn!).TrySetCanceled(), turn))
        {
            return await turn.Task;
        }
    }

    private async ValueTask<SmtpConnection> OpenInSlotAsync(SmtpAccount account, CancellationToken abort)
    {
        try
        {
            var connection = await _open(account, abort);
            lock (_gate)
            {
                _established++;
                Publish();
            }

            return connection;
        }
        catch (Exception trouble)
        {
            List<TaskCompletionSource<SmtpConnection?>> alsoWaiting = [];
            lock (_gate)
            {
                // Nobody has a connection: those who wait would only find the same, one timeout after the other.
                if (_established == 0) alsoWaiting = [.. _waiters];
                if (_established == 0) _waiters.Clear();
                FreeSlot();
            }

            foreach (var waiter in alsoWaiting) waiter.TrySetException(trouble);
            throw;
        }
    }

    private SmtpConnection? TakeIdle()
    {
        while (_idle.Count > 0)
        {
            var connection = _idle[^1];
            _idle.RemoveAt(_idle.Count - 1);
            if (IsFit(connection) && !IsUnused(connection) && !connection.HasGoneStale)
            {
                Publish();
                return connection;
            }

            Close(connection);
        }

        Publish();
        return null;
    }

    private bool TryGive(SmtpConnection connection)
    {
        while (_waiters.TryDequeue(out var waiter))
        {
            if (waiter.TrySetResult(connection)) return true;
        }

        return false;
    }

    private bool TryRest(SmtpConnection connection)
    {
        if (_options.IdleConnection <= TimeSpan.Zero) return false;
        connection.IdleSince = _clock.GetTimestamp();
        _idle.Add(connection);
        if (_idle.Count == 1) _idleTimer.Change(_options.IdleConnection, Timeout.InfiniteTimeSpan);
        return true;
    }

    // A slot goes to the next who waits; when the limit was lowered, to nobody.
    private void FreeSlot()
    {
        if (_slots <= _limit)
        {
            while (_waiters.TryDequeue(out var waiter))
            {
                if (waiter.TrySetResult(null)) return;
            }
        }

        _slots--;
    }

    private bool IsFit(SmtpConnection connection) =>
        connection.IsUsable
        && connection.Account.Version == _version
        && connection.Messages < connection.Account.MaxMessagesPerConnection
        && _clock.GetElapsedTime(connection.OpenedAt) < _options.ConnectionAge;

    private bool IsUnused(SmtpConnection connection) => _clock.GetElapsedTime(connection.IdleSince) >= _options.IdleConnection;

    private void CloseUnused()
    {
        lock (_gate)
        {
            CloseIdle(IsUnused);
            if (!_closed && _idle.Count > 0) _idleTimer.Change(Later(_options.IdleConnection - _clock.GetElapsedTime(_idle[0].IdleSince)), Timeout.InfiniteTimeSpan);
        }
    }

    // Timers count whole milliseconds and may come early by less than one.
    private static TimeSpan Later(TimeSpan time) => time < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : time;

    private void CloseIdle(Predicate<SmtpConnection> which)
    {
        foreach (var connection in _idle.FindAll(which))
        {
            _idle.Remove(connection);
            Close(connection);
        }

        Publish();
    }

    private void Close(SmtpConnection connection)
    {
        _established--;
        _slots--;
        _farewells.Say(connection);
    }

    private void Publish()
    {
        _busyGauge.Set(_established - _idle.Count);
        _idleGauge.Set(_idle.Count);
    }
}
