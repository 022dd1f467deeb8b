using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;
using Prometheus;

namespace MailProxy.Pipeline.Send;

/// <summary>One account's connections: a slot for each that is open or being opened, idle ones used last in first out, waiters served
/// first come first. A server that turns one away while it bears others has no trouble: the account makes do with those.</summary>
internal sealed class AccountConnections : IDisposable
{
    private readonly Func<SmtpAccount, Action<PhaseClock>, CancellationToken, Task<SmtpConnection>> _open;
    private readonly Farewells _farewells;
    private readonly SharedCapacity _resting;
    private readonly SendOptions _options;
    private readonly TimeProvider _clock;
    private readonly Gauge.Child _busyGauge,
        _idleGauge;
    private readonly System.Threading.ITimer _idleTimer;
    private readonly ConnectionAllowance _allowance;

    /// <summary>Told when the server turned a connection away, with the number of those that are left.</summary>
    private readonly Action<SmtpAccount, int> _crowded;

    private readonly Lock _gate = new();

    /// <summary>The longest unused first.</summary>
    private readonly List<SmtpConnection> _idle = [];

    /// <summary>Each is given a connection, or null: a slot in which to open one.</summary>
    private readonly Queue<TaskCompletionSource<SmtpConnection?>> _waiters = new();

    private readonly Openings _opening;

    private int _slots,
        _established,
        _limit,
        _version;
    private bool _closed;

    public AccountConnections(
        Func<SmtpAccount, Action<PhaseClock>, CancellationToken, Task<SmtpConnection>> open,
        Action<SmtpAccount, int> crowded,
        Farewells farewells,
        SharedCapacity resting,
        SendOptions options,
        TimeProvider clock,
        PipelineMetrics metrics,
        string name
    )
    {
        (_open, _crowded, _farewells, _resting, _options, _clock) = (open, crowded, farewells, resting, options, clock);
        (_allowance, _opening) = (new(clock), new(clock));
        _busyGauge = metrics.Connections.WithLabels(name, "busy");
        _idleGauge = metrics.Connections.WithLabels(name, "idle");
        _idleTimer = clock.CreateTimer(
            static self => ((AccountConnections)self!).CloseUnused(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>What it waits for while there is no connection at all.</summary>
    public Connecting? Connecting
    {
        get
        {
            lock (_gate)
                return _established > 0 ? null : _opening.Longest;
        }
    }

    public async ValueTask<SmtpConnection> RentAsync(SmtpAccount account, CancellationToken opening, CancellationToken abort)
    {
        while (true)
        {
            abort.ThrowIfCancellationRequested();
            TaskCompletionSource<SmtpConnection?>? turn = null;
            lock (_gate)
            {
                if (_version != account.Version)
                    _allowance.Forget();
                _version = account.Version;
                if (TakeIdle() is { } idle)
                    return idle;
                _limit = _allowance.Within(account.MaxConnections, _slots);
                if (_slots < _limit)
                    _slots++;
                else
                    _waiters.Enqueue(turn = new(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            if (turn is not null && await TurnAsync(turn, abort) is { } given)
            {
                return given.Account.Version == account.Version ? given : await ReplaceAsync(given, account, opening);
            }

            // Turned away while others are there: its turn comes with one of those.
            if (await OpenInSlotAsync(account, opening) is { } opened)
                return opened;
        }
    }

    /// <summary>Closes a connection and opens another in its slot.</summary>
    public async ValueTask<SmtpConnection> ReplaceAsync(SmtpConnection dead, SmtpAccount account, CancellationToken abort)
    {
        lock (_gate)
        {
            _established--;
            Publish();
        }

        _farewells.Say(dead);
        return await OpenInSlotAsync(account, abort) ?? await RentAsync(account, abort, abort);
    }

    public void Return(SmtpConnection connection)
    {
        // With anything unread it goes to nobody: the next mail would take it for its own answer.
        var quiet = connection.IsUsable && !connection.HasGoneStale;
        lock (_gate)
        {
            if (!_closed && quiet && IsFit(connection) && _slots <= _limit && (TryGive(connection) || TryRest(connection)))
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

    /// <summary>Null: the server bears no more than the others that there are, and the slot is gone.</summary>
    private async ValueTask<SmtpConnection?> OpenInSlotAsync(SmtpAccount account, CancellationToken abort)
    {
        using var opening = _opening.Begin(account);
        try
        {
            abort.ThrowIfCancellationRequested();
            var connection = await _open(account, clock => opening.Clock = clock, abort);
            lock (_gate)
            {
                _established++;
                Publish();
            }

            return connection;
        }
        catch (SmtpOpenException error) when (SmtpVerdict.BearsNoMore(error) && TryMakeDo(out var others))
        {
            _crowded(account, others);
            return null;
        }
        catch (Exception error)
        {
            List<TaskCompletionSource<SmtpConnection?>> alsoWaiting = [];
            lock (_gate)
            {
                // Nobody has a connection: those who wait would only find the same, one timeout after the other.
                if (_established == 0)
                    alsoWaiting = [.. _waiters];
                if (_established == 0)
                    _waiters.Clear();
                FreeSlot();
            }

            foreach (var waiter in alsoWaiting)
                waiter.TrySetException(error);
            throw;
        }
    }

    // Those that are still being opened count: the last one of all that are turned away has nobody left, and tells.
    private bool TryMakeDo(out int others)
    {
        lock (_gate)
        {
            others = _slots - 1;
            if (others == 0)
            {
                _allowance.Forget();
                return false;
            }

            _slots = others;
            _limit = Math.Min(_limit, others);
            _allowance.TurnedAway(others);
            return true;
        }
    }

    private SmtpConnection? TakeIdle()
    {
        while (_idle.Count > 0)
        {
            var connection = _idle[^1];
            _idle.RemoveAt(_idle.Count - 1);
            connection.Rest?.Dispose();
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
            if (waiter.TrySetResult(connection))
                return true;
        }

        return false;
    }

    private bool TryRest(SmtpConnection connection)
    {
        if (
            _options.IdleConnection <= TimeSpan.Zero
            || _options.IdleConnections == 0
            || _resting.TryTake(connection.Account.Tenant, 1) is not { } place
        )
            return false;
        connection.Rest = place;
        connection.IdleSince = _clock.GetTimestamp();
        _idle.Add(connection);
        if (_idle.Count == 1)
            _idleTimer.Change(_options.IdleConnection, Timeout.InfiniteTimeSpan);
        return true;
    }

    // A slot goes to the next who waits; when the limit was lowered, to nobody.
    private void FreeSlot()
    {
        if (_slots <= _limit)
        {
            while (_waiters.TryDequeue(out var waiter))
            {
                if (waiter.TrySetResult(null))
                    return;
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
            if (!_closed && _idle.Count > 0)
                _idleTimer.Change(Later(_options.IdleConnection - _clock.GetElapsedTime(_idle[0].IdleSince)), Timeout.InfiniteTimeSpan);
        }
    }

    // Timers count whole milliseconds and may come early by less than one.
    private static TimeSpan Later(TimeSpan time) => time < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : time;

    private void CloseIdle(Predicate<SmtpConnection> which)
    {
        foreach (var connection in _idle.FindAll(which))
        {
            _idle.Remove(connection);
            connection.Rest?.Dispose();
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
