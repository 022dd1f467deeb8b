using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>Opens and closes the circuits of accounts: tells Schedule, writes the events, and keeps how each stands. From any thread.
/// </summary>
internal sealed partial class AccountWatch : IAsyncDisposable
{
    /// <summary>How long it is known when a circuit was closed: no attempt takes longer.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly AccountCircuits _circuits;
    private readonly CurrentAccounts _accounts;
    private readonly Wake _wake;
    private readonly CircuitWriter _writer;
    private readonly PipelineMetrics _metrics;
    private readonly Func<SmtpAccount, string?> _customerOf;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Dictionary<AccountKey, long> _closedAt = []; // by the clock's timestamps
    private volatile int _count;

    /// <param name="customerOf">The customer of the provider to whom an account belongs; null: nothing is known of one.</param>
    public AccountWatch(
        AccountCircuits circuits,
        CurrentAccounts accounts,
        Wake wake,
        IDeliveryLog log,
        ICircuitStore store,
        PipelineMetrics metrics,
        Func<SmtpAccount, string?> customerOf,
        TimeProvider clock,
        ILogger logger
    )
    {
        (_circuits, _accounts, _wake, _metrics, _clock, _logger) = (circuits, accounts, wake, metrics, clock, logger);
        _customerOf = customerOf;
        _writer = new(log, store, clock, logger);
        _writer.Saved += accounts => Saved?.Invoke(accounts);
        _accounts.Changed += OnChanged;
    }

    /// <summary>How these accounts stand is in the store.</summary>
    public event Action<IReadOnlyCollection<AccountKey>>? Saved;

    /// <summary>Whether the store knows how an account stands.</summary>
    public bool IsWritten(AccountKey account) => _writer.IsWritten(account);

    /// <summary>Whether nothing but a probe may go by the account.</summary>
    public bool IsHeld(AccountKey account) => _count > 0 && Find(account) is not null;

    /// <summary>Null: the account's circuit is closed.</summary>
    public Circuit? Find(AccountKey account)
    {
        if (_count == 0)
            return null;
        lock (_gate)
            return _circuits.Find(account);
    }

    /// <summary>Every circuit that is not closed.</summary>
    public IReadOnlyList<Circuit> All()
    {
        lock (_gate)
            return [.. _circuits.All];
    }

    /// <summary>Takes over what the last run left, before the first mail goes.</summary>
    public void Restore(IEnumerable<Circuit> circuits)
    {
        foreach (var circuit in circuits)
        {
            // Of an account that was changed while it was being written, nothing is known.
            if (_accounts.Directory.Find(circuit.Account)?.Version != circuit.Version)
                continue;
            lock (_gate)
            {
                _circuits.Restore(circuit);
                Show(circuit.Account);
            }
        }
    }

    /// <summary>Replaces what is known of these accounts by what the node that sends their mail has written.</summary>
    public void TakeOver(Func<AccountKey, bool> isWanted, IEnumerable<Circuit> circuits)
    {
        var written = circuits.Where(circuit => isWanted(circuit.Account)).ToList();
        lock (_gate)
        {
            foreach (var known in _circuits.All.Where(known => isWanted(known.Account)).ToArray())
            {
                _circuits.Close(known.Account);
                Show(known.Account);
            }
        }

        Restore(written);
    }

    /// <summary>
    /// Another node has found out something of a provider's customer: those of its accounts whose mail goes from here are left alone too,
    /// or are used again.
    /// </summary>
    /// <param name="circuits">Every circuit in the store.</param>
    public void Hear(Func<AccountKey, bool> isHere, IReadOnlyList<Circuit> circuits)
    {
        var shared = circuits.Where(circuit => isHere(circuit.Account) && circuit.Trouble.Via is not null).ToList();
        lock (_gate)
        {
            var over = _circuits.All.Where(known =>
                known.Trouble.Via is not null
                && isHere(known.Account)
                && _writer.IsWritten(known.Account)
                && !shared.Exists(one => one.Account == known.Account)
            );
            foreach (var circuit in over.ToArray())
            {
                _circuits.Close(circuit.Account);
                Show(circuit.Account);
            }

            shared.RemoveAll(circuit => _circuits.Find(circuit.Account) is not null);
        }

        Restore(shared);
    }

    public void Trouble(AccountTrouble trouble, bool isProbe = false)
    {
        var directory = _accounts.Directory;

        // One that was deleted meanwhile is used no more, and one that was changed is not the one that was tried.
        if (directory.Find(trouble.Account) is not { } account || (trouble.Version is { } tried && tried != account.Version))
        {
            Remind(trouble.Account);
            return;
        }

        var now = Now();
        if (trouble.OfProviderTenant)
            trouble = trouble with { Customer = _customerOf(account) };
        lock (_gate)
        {
            // It was under way when the circuit was closed, and proves as little as before.
            if (_closedAt.TryGetValue(trouble.Account, out var closed) && trouble.TriedAt < closed)
            {
                Show(trouble.Account);
                return;
            }

            var change = _circuits.Trouble(trouble, isProbe, account.Version, now);
            Opened(account, change, now);
            if (change.IsFailure && trouble.Slow is not null)
                _wake.Slow(trouble);
            if (trouble.Customer is not { } customer || !change.IsNews)
                return;
            foreach (var other in SameCustomer(directory, account, customer))
            {
                var theirs = trouble with { Account = other.Key, Version = null, Via = account.Id };
                Opened(other, _circuits.Share(change.Circuit, theirs, other.Version, now), now);
            }
        }
    }

    /// <summary>A server answered a mail of this account.</summary>
    public void Succeeded(AccountKey account, bool isProbe)
    {
        if (!isProbe)
            return;
        var directory = _accounts.Directory;
        lock (_gate)
        {
            if (_circuits.Succeeded(account, isProbe) is not { } closed || directory.Find(account) is not { } known)
            {
                Show(account);
                return;
            }

            Closed(known, closed, "probe");
            if (closed.Trouble.Customer is not { } customer)
                return;
            foreach (var other in SameCustomer(directory, known, customer))
            {
                if (_circuits.Find(other.Key)?.Trouble.Customer == customer)
                    Closed(other, _circuits.Close(other.Key)!, "probe");
            }
        }
    }

    /// <summary>A person wants it to be used again. False: it was not held back.</summary>
    /// <param name="by">What closes it, a word for the event.</param>
    public bool Reset(SmtpAccount account, string by)
    {
        lock (_gate)
        {
            if (_circuits.Close(account.Key) is not { } closed)
                return false;
            Closed(account, closed, by);
            return true;
        }
    }

    /// <summary>Of each of these accounts one message is tried now, without waiting.</summary>
    public void ProbeNow(IEnumerable<SmtpAccount> accounts)
    {
        if (_count == 0)
            return;
        lock (_gate)
        {
            foreach (var account in accounts)
            {
                if (_circuits.ProbeNow(account.Key, Now()) is not null)
                    Show(account.Key);
            }
        }
    }

    /// <summary>Schedule is told again how the account stands: mail came by it that should not, or one that says nothing of it.</summary>
    public void Remind(AccountKey account)
    {
        lock (_gate)
            Show(account);
    }

    public async ValueTask DisposeAsync()
    {
        _accounts.Changed -= OnChanged;
        await _writer.DisposeAsync();
    }

    private IEnumerable<SmtpAccount> SameCustomer(AccountDirectory directory, SmtpAccount account, string customer) =>
        directory.OfTenant(account.Tenant).Where(other => other.Key != account.Key && _customerOf(other) == customer);

    private void OnChanged()
    {
        if (_count == 0)
            return;
        var directory = _accounts.Directory;
        lock (_gate)
        {
            foreach (var circuit in _circuits.Forget(key => directory.Find(key)?.Version))
            {
                // A deleted account is not used again, and nobody waits for it.
                if (directory.Find(circuit.Account) is { } account)
                    Closed(account, circuit, "change");
            }

            _count = _circuits.Count;
        }
    }

    // All below under the lock, so that Schedule and the store hear of an account in the order in which it happened.

    private void Opened(SmtpAccount account, CircuitChange change, long now)
    {
        Show(account.Key);
        if (change.IsNews)
            _writer.Keep(account.Key, change.Circuit);
        if (change.Events.Count == 0)
            return;
        var (circuit, trouble) = (change.Circuit, change.Circuit.Trouble);
        _metrics.CircuitsOpened.WithLabels(circuit.Cause).Inc();
        var reply = trouble.SmtpCode is { } code ? $"{code} {trouble.Explained}" : trouble.Explained;
        Log.Opened(_logger, account.ToString(), Place(account), Timestamps.Write(circuit.Until), circuit.Cause, reply);
        foreach (var type in change.Events)
            _writer.Tell(account, type, CircuitDetail.OfOpened(circuit), now);
    }

    private void Closed(SmtpAccount account, Circuit closed, string by)
    {
        Show(account.Key);
        foreach (var (old, _) in _closedAt.Where(one => _clock.GetElapsedTime(one.Value) > Remembered).ToArray())
            _closedAt.Remove(old);
        _closedAt[account.Key] = _clock.GetTimestamp();
        _writer.Keep(account.Key, null);
        Log.Closed(_logger, account.ToString(), Place(account), by);
        _writer.Tell(account, EventType.AccountCircuitClosed, CircuitDetail.OfClosed(closed, by), Now());
    }

    // What is over is parked until now: Schedule tries it then.
    private void Show(AccountKey account)
    {
        _count = _circuits.Count;
        var now = Now();
        if (_circuits.Find(account) is { } circuit)
            _wake.Park(circuit.Trouble, circuit.IsOpen(now) ? circuit.Until : Math.Min(now, circuit.Until));
        else if (_accounts.Directory.Find(account) is not null)
            _wake.Unpark(account);
    }

    private static string Place(SmtpAccount account) => account.Sandbox ? "sandbox" : $"{account.Host}:{account.Port}";

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();
}
