using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// Writes what becomes of circuits behind: an event for each opening and closing, and how each stands. A task of its own, so that outcomes
/// never wait for it. Of an account only its last state is written, so what waits here is bounded by the accounts.
/// </summary>
internal sealed partial class CircuitWriter : IAsyncDisposable
{
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(1);

    // An account rarely changes, so this capacity suffices; an event that does not fit is logged instead. The signal is behind them.
    private readonly Channel<Change> _events = Channel.CreateBounded<Change>(256);

    // One is enough: whoever reads it takes all that there is.
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private readonly Lock _gate = new();
    private readonly IDeliveryLog _log;
    private readonly ICircuitStore _store;
    private readonly ILogger _logger;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writing;
    private Dictionary<AccountKey, Circuit?> _changed = [],
        _saving = [];

    public CircuitWriter(IDeliveryLog log, ICircuitStore store, TimeProvider clock, ILogger logger)
    {
        (_log, _store, _clock, _logger) = (log, store, clock, logger);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>How these accounts stand is in the store.</summary>
    public event Action<IReadOnlyCollection<AccountKey>>? Saved;

    /// <summary>Whether the store knows how an account stands.</summary>
    public bool IsWritten(AccountKey account)
    {
        lock (_gate)
            return !_changed.ContainsKey(account) && !_saving.ContainsKey(account);
    }

    /// <summary>How an account's circuit stands from now on; null: it is closed.</summary>
    public void Keep(AccountKey account, Circuit? circuit)
    {
        lock (_gate)
            _changed[account] = circuit;
        _signal.Writer.TryWrite(true);
    }

    public void Tell(SmtpAccount account, EventType type, byte[]? detail, long at)
    {
        if (!_events.Writer.TryWrite(new(account.Tenant, account.Key, type, detail, at)))
            Log.EventLost(_logger, type, null);
        _signal.Writer.TryWrite(true);
    }

    /// <summary>Writes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        _signal.Writer.TryComplete();
        await _stop.CancelAsync();
        await _writing;
        await WriteAllAsync();
    }

    private async Task WriteAsync()
    {
        await foreach (var _ in _signal.Reader.ReadAllAsync())
        {
            var isSaved = await WriteAllAsync();
            while (!isSaved && await PauseAsync())
                isSaved = await SaveAsync();
        }
    }

    // False: it ends.
    private async Task<bool> PauseAsync()
    {
        try
        {
            await Task.Delay(AfterTrouble, _clock, _stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // How it stands first, so that whoever reads of an opening may count on it after a crash.
    private async Task<bool> WriteAllAsync()
    {
        var isSaved = await SaveAsync();
        while (_events.Reader.TryRead(out var change))
        {
            try
            {
                await _log.AppendAsync(change.Tenant, change.Type, change.Account, change.Detail, change.At);
            }
            catch (Exception error)
            {
                Log.EventLost(_logger, change.Type, error);
            }
        }

        return isSaved;
    }

    // False: what has changed is still to be written.
    private async Task<bool> SaveAsync()
    {
        Dictionary<AccountKey, Circuit?> changed;
        lock (_gate)
            (changed, _saving, _changed) = (_changed, _changed, []);
        if (changed.Count == 0)
            return true;
        try
        {
            await _store.SaveAsync(changed);
            lock (_gate)
                _saving = [];
            Saved?.Invoke(changed.Keys);
            return true;
        }
        catch (Exception error)
        {
            Log.NotSaved(_logger, error);
            lock (_gate)
            {
                _saving = [];
                foreach (var (account, circuit) in changed)
                    _changed.TryAdd(account, circuit); // unless it has changed again
            }

            return false;
        }
    }

    private sealed record Change(string Tenant, AccountKey Account, EventType Type, byte[]? Detail, long At);

    private static partial class Log
    {
        [LoggerMessage(612, LogLevel.Error, "The event {Type} could not be stored and is lost")]
        public static partial void EventLost(ILogger logger, EventType type, Exception? fault);

        [LoggerMessage(
            615,
            LogLevel.Warning,
            "How accounts in trouble stand could not be stored; it is tried again in a second. After a restart they may be "
                + "tried earlier"
        )]
        public static partial void NotSaved(ILogger logger, Exception fault);
    }
}
