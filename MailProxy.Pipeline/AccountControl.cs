using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Report;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Send;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline;

/// <summary>How accounts stand with their servers, and what people do about that. From any thread.</summary>
public sealed class AccountControl
{
    private readonly AccountWatch _watch;
    private readonly AccountGate _gate;
    private readonly DestinationGate _destinations;
    private readonly SmtpPool _pool;
    private readonly CurrentAccounts _accounts;
    private readonly Wake _wake;
    private readonly TimeProvider _clock;

    internal AccountControl(
        AccountWatch watch,
        AccountGate gate,
        DestinationGate destinations,
        SmtpPool pool,
        CurrentAccounts accounts,
        Wake wake,
        TimeProvider clock
    )
    {
        (_watch, _gate, _destinations, _pool) = (watch, gate, destinations, pool);
        (_accounts, _wake, _clock) = (accounts, wake, clock);
    }

    /// <summary>What each tenant has of the connections and of the destinations that are counted.</summary>
    internal void ShowIn(TenantShares shares)
    {
        _pool.ShowIn(shares);
        _destinations.ShowIn(shares);
    }

    /// <summary>The connection that an account's mail waits for, or null.</summary>
    public Connecting? ConnectingOf(AccountKey account) => _pool.ConnectingOf(account);

    /// <summary>How far ahead of the answers an account's commands go now.</summary>
    public PipeliningState PipeliningOf(SmtpAccount account) => _pool.PipeliningOf(account);

    /// <summary>How far each limit under a key is used up.</summary>
    public IReadOnlyList<LimitUsage> LimitsOf(LimitKey key) => _gate.Usage(key);

    /// <summary>Domains of an account whose limits are used, those that hold mail up first.</summary>
    public IReadOnlyList<DestinationUsage> DestinationsOf(SmtpAccount account) => _destinations.Usage(account);

    /// <summary>When mail to the domains may go by the account, the first of them, and why not now; null: it may.</summary>
    public DestinationHold? DestinationHoldOf(SmtpAccount account, IEnumerable<string> domains) => _destinations.HoldOf(account, domains);

    /// <summary>How many domains accounts are slowed for.</summary>
    public int SlowedDestinations => _destinations.Slowed;

    /// <summary>The account's circuit and how it stands; null: it is closed.</summary>
    public (CircuitState State, Circuit Circuit)? CircuitOf(AccountKey account) =>
        _watch.Find(account) is { } circuit ? (circuit.StateAt(Now()), circuit) : null;

    /// <summary>How many accounts are in trouble, by state and cause.</summary>
    public IEnumerable<((CircuitState State, string Cause) Key, int Count)> Circuits()
    {
        var now = Now();
        return _watch.All().GroupBy(circuit => (circuit.StateAt(now), circuit.Cause)).Select(static same => (same.Key, same.Count()));
    }

    /// <summary>Closes an account's circuit. False: it was closed.</summary>
    /// <param name="by">What closes it, as the event says: <c>reset</c>, <c>resume</c>, <c>test</c>.</param>
    public bool ResetCircuit(SmtpAccount account, string by)
    {
        var was = _watch.Reset(account, by);
        if (was)
            _destinations.Open(account.Key); // pools may have put mail off until the circuit would close
        return was;
    }

    /// <summary>One message tries each account in trouble now; of one tenant, or with null of all.</summary>
    public void ProbeNow(string? tenant)
    {
        var directory = _accounts.Directory;
        _watch.ProbeNow(tenant is null ? directory.All : directory.OfTenant(tenant));
    }

    /// <summary>How fast the account's mail may go after its provider asked for less; null: as configured.</summary>
    public AdaptedRate? AdaptedOf(AccountKey account) => _gate.Adapted.Of(account);

    /// <summary>Forgets what the provider asked for. False: it had not.</summary>
    public bool ResetAdapted(SmtpAccount account)
    {
        var (was, to) = (_gate.Adapted.Reset(account.Key), _destinations.Reset(account.Key));
        if (was)
            _wake.Hurry(account.Key);
        if (to)
            _destinations.Open(account.Key);
        return was || to;
    }

    private long Now() => _clock.GetUtcNow().ToUnixTimeMilliseconds();
}
