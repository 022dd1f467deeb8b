using System.Threading.Channels;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Report;

/// <summary>
/// Parks accounts in trouble, releases them again, and writes an event for both. A task of its own writes the events, so that outcomes
/// never
/// wait for them.
/// </summary>
internal sealed partial class AccountWatch : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly AccountBackoff _backoff;
    private readonly CurrentAccounts _accounts;
    private readonly Wake _wake;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Task _writing;

    // An account rarely changes, so this capacity suffices; an event that does not fit is logged instead.
    private readonly Channel<Change> _events = Channel.CreateBounded<Change>(256);

    public AccountWatch(AccountBackoff backoff, CurrentAccounts accounts, Wake wake, IDeliveryLog log, TimeProvider clock, ILogger logger)
    {
        (_backoff, _accounts, _wake, _clock, _logger) = (backoff, accounts, wake, clock, logger);
        _accounts.Changed += OnChanged;
        _writing = Task.Run(() => WriteAsync(log));
    }

    public void Trouble(AccountTrouble trouble)
    {
        var now = Now();
        var account = _accounts.Directory.Find(trouble.Account);
        long until;
        EventType? told;
        lock (_gate)
            (until, told) = _backoff.Trouble(trouble, account?.Version ?? 0, now);
        _wake.Park(trouble, until);
        if (told is not { } type)
            return;
        Log.Parked(
            _logger,
            Name(account),
            Place(account),
            Timestamps.Write(until),
            trouble.Kind,
            trouble.SmtpCode is { } code ? $"{code} {trouble.Explained}" : trouble.Explained
        );
        WriteEvent(trouble.Account, type, Detail(trouble, until), now);
    }

    public void Succeeded(AccountKey account)
    {
        var now = Now();
        lock (_gate)
        {
            if (!_backoff.Succeeded(account, now))
                return;
        }

        Close(account, now);
    }

    public async ValueTask DisposeAsync()
    {
        _accounts.Changed -= OnChanged;
        _events.Writer.TryComplete();
        await _writing;
    }

    private void OnChanged()
    {
        IReadOnlyList<AccountKey> forgotten;
        lock (_gate)
            forgotten = _backoff.Forget(key => _accounts.Directory.Find(key)?.Version);

        // A deleted account is not used again, and nobody waits for it.
        foreach (var account in forgotten.Where(account => _accounts.Directory.Find(account) is not null))
            Close(account, Now());
    }

    private void Close(AccountKey account, long now)
    {
        _wake.Unpark(account);
        var known = _accounts.Directory.Find(account);
        Log.Closed(_logger, Name(known), Place(known));
        WriteEvent(account, EventType.AccountCircuitClosed, null, now);
    }

    private void WriteEvent(AccountKey account, EventType type, byte[]? detail, long now)
    {
        // An account that is deleted during an attempt has no tenant any more, and what its server said is for no other's eyes.
        if (_accounts.Directory.Find(account) is { } known && !_events.Writer.TryWrite(new(known.Tenant, account, type, detail, now)))
            Log.EventLost(_logger, type, null);
    }

    private async Task WriteAsync(IDeliveryLog log)
    {
        await foreach (var change in _events.Reader.ReadAllAsync())
        {
            try
            {
                await log.AppendAsync(change.Tenant, change.Type, change.Account, change.Detail, change.At);
            }
            catch (Exception error)
            {
                Log.EventLost(_logger, change.Type, error);
            }
        }
    }

    private static byte[]? Detail(AccountTrouble trouble, long until) =>
        EventDetail.Make(
            (trouble, until),
            static (json, told) =>
            {
                json.WriteString("kind"u8, told.trouble.Kind.ToString().ToLowerInvariant());
                if (told.trouble.SmtpCode is { } code)
                    json.WriteNumber("smtp_code"u8, code);
                if (told.trouble.EnhancedCode is { } enhanced)
                    json.WriteString("enhanced_code"u8, enhanced);
                json.WriteString("reason"u8, told.trouble.Reply);
                if (told.trouble.Rule is { } rule)
                    json.WriteString("rule"u8, rule);
                if (told.trouble.Remedy is { } remedy)
                    json.WriteString("remedy"u8, remedy);
                json.WriteString("until"u8, Timestamps.Write(told.until));
            }
        );

    private static string Name(SmtpAccount? account) => account?.ToString() ?? "that was deleted";

    private static string Place(SmtpAccount? account) => account is { Sandbox: false } ? $"{account.Host}:{account.Port}" : "sandbox";

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed record Change(string Tenant, AccountKey Account, EventType Type, byte[]? Detail, long At);

    private static partial class Log
    {
        [LoggerMessage(610, LogLevel.Warning, "Account {Account} ({Server}) is left alone until {Until} ({Kind}): {Reply}")]
        public static partial void Parked(ILogger logger, string account, string server, string until, TroubleKind kind, string reply);

        [LoggerMessage(611, LogLevel.Information, "Account {Account} ({Server}) is used again")]
        public static partial void Closed(ILogger logger, string account, string server);

        [LoggerMessage(612, LogLevel.Error, "The event {Type} could not be stored and is lost")]
        public static partial void EventLost(ILogger logger, EventType type, Exception? fault);
    }
}
