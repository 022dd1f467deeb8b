using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Send;

/// <summary>One account's connections: a slot for each that is open or being opened, idle ones used last in first out, waiters served
/// first come first. A server that turns one away beside others is not in trouble: the account uses those.</summary>
internal sealed class AccountConnections : IDisposable
{
    private readonly Func<SmtpAccount, Action<PhaseClock>, CancellationToken, Task<SmtpConnection>> _open;
    private readonly Farewells _farewells;
    private readonly SendOptions _options;
    private readonly TimeProvider _clock;
    private readonly ConnectionGauges _gauges;
    private readonly System.Threading.ITimer _idleTimer;
    private readonly ConnectionAllowance _allowance;

    /// <summary>Called when the server turned a connection away, with the number of those that are left.</summary>
    private readonly Action<SmtpAccount, int> _crowded;

    private readonly Lock _gate = new();
    private readonly IdleConnections _idle;
    private readonly ConnectionWaiters _waiters = new();
    private readonly Openings _opening;
    private int _slots,
        _established,
        _limit;
    private long _version;
    private bool _closed,
        _gone;

    public AccountConnections(
        Func<SmtpAccount, Action<PhaseClock>, CancellationToken, Task<SmtpConnection>> open,
        Action<SmtpAccount, int> crowded,
        Farewells farewells,
        SharedCapacity idle,
        SendOptions options,
        TimeProvider clock,
        PipelineMetrics metrics,
        AccountLabel label
    )
    {
        (_open, _crowded, _farewells, _options, _clock) = (open, crowded, farewells, options, clock);
        _idle = new(idle, options, clock);
        (_allowance, _opening) = (new(clock), new(clock));
        _gauges = new(metrics, label);
        _idleTimer = clock.CreateTimer(
            static self => ((AccountConnections)self!).CloseUnused(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>The connection that mail waits for while there is none at all.</summary>
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
                    turn = _waiters.Add();
            }

            if (turn is not null && await ConnectionWaiters.TurnAsync(turn, abort) is { } given)
                return given.Account.Version == account.Version ? given : await ReplaceAsync(given, account, opening);

            // Turned away beside others: the mail waits for one of those.
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
        // With unread octets it is not used again: the next mail would take them for its own reply.
        var quiet = connection.IsUsable && !connection.HasGoneStale;
        lock (_gate)
        {
            if (!_closed && quiet && IsFit(connection) && _slots <= _limit && (_waiters.TryGive(connection) || TryRest(connection)))
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

    /// <summary>Whether the user of a connection may send another mail over it, without a new turn.</summary>
    public bool MayGoOn(SmtpConnection connection, bool evenIfWaitedFor)
    {
        lock (_gate)
            return !_closed && IsFit(connection) && _slots <= _limit && (evenIfWaitedFor || _waiters.Count == 0);
    }

    /// <summary>The account has not changed since it was opened.</summary>
    public bool IsCurrent(SmtpConnection connection)
    {
        lock (_gate)
            return !_closed && connection.Account.Version == _version;
    }

    /// <summary>The account is gone and nobody uses, opens or waits for a connection: this object may be dropped.</summary>
    public bool IsOver
    {
        get
        {
            lock (_gate)
                return _gone && _slots == 0 && _waiters.Count == 0;
        }
    }

    /// <summary>The server bears at most so many, or so many fewer than there are.</summary>
    public void Bound(int? most, int? fewer)
    {
        lock (_gate)
            _allowance.AtMost(Math.Min(most ?? int.MaxValue, _slots - (fewer ?? 0)));
    }

    /// <summary>Ends the connections of other versions. Null: the account is gone, and no connection stays idle from now on.</summary>
    public void CloseOutdated(long? version)
    {
        lock (_gate)
        {
            _gone = version is null;
            _version = version ?? -1;
            CloseIdle(connection => connection.Account.Version != _version);
        }
    }

    /// <summary>Ends the connections that nobody uses: they prove nothing of what a new one would meet.</summary>
    public void CloseIdle()
    {
        lock (_gate)
            CloseIdle(static _ => true);
    }

    public void Dispose()
    {
        _idleTimer.Dispose();
        lock (_gate)
            _closed = true;
        CloseIdle();
    }

    /// <summary>Null when the server accepts no more than the other connections; the slot is then gone.</summary>
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
            TaskCompletionSource<SmtpConnection?>[] alsoWaiting;
            lock (_gate)
            {
                // There is no connection at all: the waiters would only meet the same error, one timeout after the other.
                alsoWaiting = _established == 0 ? _waiters.TakeAll() : [];
                FreeSlot();
            }

            foreach (var waiter in alsoWaiting)
                waiter.TrySetException(error);
            throw;
        }
    }

    // Connections that are still being opened count: the last one to be turned away has no others, and reports the trouble.
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
        while (_idle.TakeLast() is { } connection)
        {
            if (IsFit(connection) && !_idle.IsUnused(connection) && !connection.HasGoneStale)
            {
                Publish();
                return connection;
            }

            Close(connection);
        }
        Publish();
        return null;
    }

    private bool TryRest(SmtpConnection connection)
    {
        if (_gone || !_idle.TryAdd(connection))
            return false;
        if (_idle.Count == 1)
            _idleTimer.Change(_options.IdleConnection, Timeout.InfiniteTimeSpan);
        return true;
    }

    // A slot goes to the next waiter, unless the limit was lowered.
    private void FreeSlot()
    {
        if (_slots > _limit || !_waiters.TryGive(null))
            _slots--;
    }

    private bool IsFit(SmtpConnection connection) => connection.IsFit(_version, _options.ConnectionAge, _clock);

    private void CloseUnused()
    {
        lock (_gate)
        {
            CloseIdle(_idle.IsUnused);
            if (!_closed && _idle.NextUnused is { } next)
                _idleTimer.Change(next, Timeout.InfiniteTimeSpan);
        }
    }

    private void CloseIdle(Predicate<SmtpConnection> which)
    {
        foreach (var connection in _idle.Take(which))
            Close(connection);
        Publish();
    }

    private void Close(SmtpConnection connection)
    {
        _established--;
        _slots--;
        _farewells.Say(connection);
    }

    private void Publish() => _gauges.Set(_established, _idle.Count);
}
