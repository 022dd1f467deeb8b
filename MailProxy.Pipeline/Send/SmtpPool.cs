using System.Collections.Concurrent;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Send.Tokens;
using MailProxy.Pipeline.Sharing;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Send;

/// <summary>The open connections of every account.</summary>
internal sealed partial class SmtpPool : IAsyncDisposable
{
    // Idle connections to the built-in catcher, of all tenants together: most of its connections are for those in use.
    private const int AtCatcher = 64;

    private AccountDirectory _seen;
    private readonly CurrentAccounts _accounts;
    private readonly SendOptions _options;
    private readonly PipelineMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly NetworkPolicy _policy;
    private readonly AccountTokens? _tokens;
    private readonly ConcurrentDictionary<AccountKey, AccountConnections> _pools = new();
    private readonly ConcurrentDictionary<AccountKey, long> _warnedVersion = new();
    private readonly ConcurrentDictionary<AccountKey, long> _crowdedVersion = new();
    private readonly KnownServers _servers;
    private readonly Farewells _farewells;
    private readonly SharedCapacity _resting;
    private readonly SharedCapacity _restingAtCatcher;

    /// <param name="policy">Where the servers of accounts that tenants set may be; null: public addresses only.</param>
    /// <param name="tokens">Of accounts that log in with them; null: those get no connection.</param>
    public SmtpPool(
        CurrentAccounts accounts,
        SendOptions options,
        PipelineMetrics metrics,
        TimeProvider clock,
        ILogger logger,
        NetworkPolicy? policy = null,
        TenantShare? share = null,
        AccountTokens? tokens = null
    )
    {
        _tokens = tokens;
        (_accounts, _options, _metrics, _clock, _logger) = (accounts, options, metrics, clock, logger);
        _policy = policy ?? NetworkPolicy.PublicOnly;
        _servers = new(metrics, clock, logger);
        _farewells = new(share ?? TenantShare.Unlimited);
        _resting = new(options.IdleConnections, share ?? TenantShare.Unlimited);
        _restingAtCatcher = new(AtCatcher, share ?? TenantShare.Unlimited);
        _seen = accounts.Directory;
        accounts.Changed += CloseOutdated;
    }

    /// <summary>A connection of the account as it is now; waits, first come first served, while as many are busy as it may have.</summary>
    /// <param name="opening">Ends the opening of a new one.</param>
    /// <param name="abort">Ends the wait for one that others use.</param>
    /// <param name="fresh">None that was opened before.</param>
    /// <exception cref="SmtpOpenException">None could be had.</exception>
    public ValueTask<SmtpConnection> RentAsync(SmtpAccount account, CancellationToken opening, CancellationToken abort, bool fresh = false)
    {
        var current = Current(account);
        if (fresh)
            Of(current).CloseIdle();
        return Of(current).RentAsync(current, opening, abort);
    }

    /// <summary>
    /// The connection that the account waits for while it has none; null when it has one, or needs none. From any thread.
    /// </summary>
    public Connecting? ConnectingOf(AccountKey account) => _pools.TryGetValue(account, out var pool) ? pool.Connecting : null;

    /// <summary>Gives up a connection that turned out to be dead, for a new one in its slot.</summary>
    /// <exception cref="SmtpOpenException">None could be had; the slot is free again.</exception>
    public ValueTask<SmtpConnection> ReplaceAsync(SmtpConnection dead, CancellationToken abort)
    {
        var current = Current(dead.Account);
        return Of(current).ReplaceAsync(dead, current, abort);
    }

    /// <summary>Whether the user of a connection may send another mail over it before others have a turn.</summary>
    public bool MayGoOn(SmtpConnection connection, bool evenIfWaitedFor) =>
        _pools.TryGetValue(connection.Account.Key, out var pool) && pool.MayGoOn(connection, evenIfWaitedFor);

    /// <summary>Whether the account has not changed since the connection was opened.</summary>
    public bool IsCurrent(SmtpConnection connection) =>
        _pools.TryGetValue(connection.Account.Key, out var pool) && pool.IsCurrent(connection);

    /// <summary>How far ahead of the answers an account's commands go now. From any thread.</summary>
    public PipeliningState PipeliningOf(SmtpAccount account) => _servers.StateOf(account);

    /// <summary>The account's server said that it bears at most so many connections, or so many fewer than there are.</summary>
    public void Bound(AccountKey account, int? most, int? fewer)
    {
        if (_pools.TryGetValue(account, out var pool))
            pool.Bound(most, fewer);
    }

    /// <summary>Accounts that have, or had, connections.</summary>
    public int Count => _pools.Count;

    /// <summary>What each tenant has of the idle connections, and of requests for tokens.</summary>
    public void ShowIn(TenantShares shares)
    {
        shares.Add("idle_connections", _resting);
        _tokens?.ShowIn(shares);
    }

    /// <summary>Ends the use of a connection: it goes to the next waiter, becomes idle, or is closed.</summary>
    public void Return(SmtpConnection connection)
    {
        if (!_pools.TryGetValue(connection.Account.Key, out var pool))
        {
            _farewells.Say(connection);
            return;
        }

        pool.Return(connection);
        DropWhenOver(connection.Account.Key, pool);
    }

    public async ValueTask DisposeAsync()
    {
        _accounts.Changed -= CloseOutdated;
        foreach (var pool in _pools.Values)
            pool.Dispose();
        await _farewells.WaitAsync();
    }

    private SmtpAccount Current(SmtpAccount account) => _accounts.Directory.Find(account.Key) ?? account;

    private AccountConnections Of(SmtpAccount account) =>
        _pools.GetOrAdd(
            account.Key,
            static (_, arg) =>
                new(
                    arg.pool.OpenAsync,
                    arg.pool.TellCrowdedOnce,
                    arg.pool._farewells,
                    arg.account.Sandbox ? arg.pool._restingAtCatcher : arg.pool._resting,
                    arg.pool._options,
                    arg.pool._clock,
                    arg.pool._metrics,
                    arg.account.Label
                ),
            (pool: this, account)
        );

    private async Task<SmtpConnection> OpenAsync(SmtpAccount account, Action<PhaseClock> entered, CancellationToken abort)
    {
        var server = Dialling.ServerOf(account, _accounts.Directory, _policy);
        var connection = await TokenLogin.OpenAsync(
            _tokens,
            account,
            token => SmtpConnection.OpenAsync(account, server, _options, _clock, abort, entered: entered, token: token),
            false,
            abort
        );
        connection.Server = _servers.Of(account);
        _metrics.ConnectionsOpened.Of(account.Label).Inc();
        if (account is { Sandbox: false, Security: SmtpSecurity.StartTlsWhenAvailable } && !connection.Protected)
            WarnOnce(account);
        return connection;
    }

    // Once per version of the account, so that it is logged again after a change.
    private void WarnOnce(SmtpAccount account)
    {
        var warned = _warnedVersion.GetValueOrDefault(account.Key, -1);
        if (warned == account.Version)
            return;
        _warnedVersion[account.Key] = account.Version;
        Log.NotProtected(_logger, account.ToString());
    }

    private void TellCrowdedOnce(SmtpAccount account, int others)
    {
        if (_crowdedVersion.GetValueOrDefault(account.Key, -1) == account.Version)
            return;
        _crowdedVersion[account.Key] = account.Version;
        Log.Crowded(_logger, account.ToString(), others);
    }

    private void CloseOutdated()
    {
        var (before, directory) = (_seen, _accounts.Directory);
        _seen = directory;
        _servers.Keep(directory.All);
        _tokens?.Keep(directory);
        foreach (var key in directory.ChangedSince(before))
        {
            if (!_pools.TryGetValue(key, out var pool))
                continue;
            pool.CloseOutdated(directory.Find(key)?.Version);
            DropWhenOver(key, pool);
        }
    }

    // A connection of a deleted account that is still in use keeps its pool until it is returned.
    private void DropWhenOver(AccountKey key, AccountConnections pool)
    {
        if (!pool.IsOver || !_pools.TryRemove(new(key, pool)))
            return;
        pool.Dispose();
        _warnedVersion.TryRemove(key, out _);
        _crowdedVersion.TryRemove(key, out _);
    }

    private static partial class Log
    {
        [LoggerMessage(501, LogLevel.Warning, "The server of account {Account} offers no STARTTLS: its mail goes out unprotected")]
        public static partial void NotProtected(ILogger logger, string account);

        [LoggerMessage(
            504,
            LogLevel.Information,
            "The server of account {Account} turned a connection away beside {Others} others: fewer are used from now on, and "
                + "one more is tried each minute"
        )]
        public static partial void Crowded(ILogger logger, string account, int others);
    }
}
