using System.Runtime.InteropServices;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

/// <summary>
/// The way back to Schedule, from every stage: a merged set, so that writing never blocks. Bounded by the lanes, the accounts and the
/// tickets in flight.
/// </summary>
public sealed class Wake
{
    private readonly Lock _gate = new();
    private WakeSet _set = new();
    private TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The store has mail in this lane that is due then (0: now).</summary>
    public void Due(LaneKey lane, long due) =>
        Put(set =>
        {
            ref var earliest = ref CollectionsMarshal.GetValueRefOrAddDefault(set.DueByLane, lane, out var known);
            earliest = known ? Math.Min(earliest, due) : due;
        });

    /// <summary>The server has answered, and the outcome is handed on: others of the lane may go before the store knows.</summary>
    public void Answered(QueuedMail ticket) => Put(set => set.Answered.Add(ticket));

    /// <summary>An attempt is over and the store knows: the claim ends.</summary>
    public void Done(QueuedMail ticket) => Put(set => set.Done.Add(ticket));

    /// <summary>
    /// A mail waits for what it carries (<see cref="Outcome.NotYet"/>) and is not on its way meanwhile. Before its <see cref="Return"/> or
    /// <see cref="Done"/>.
    /// </summary>
    public void SetAside(QueuedMail ticket) => Put(set => set.Aside.Add(ticket));

    /// <summary>What a mail waited for has come (<see cref="Outcome.NotYet"/>), or it goes by another account (<see
    /// cref="Outcome.ByAnother"/>): the same ticket again.</summary>
    public void Return(QueuedMail ticket) => Put(set => set.Returned.Add(ticket));

    /// <summary>The account backs off until then.</summary>
    public void Park(AccountTrouble trouble, long until) => Put(set => set.Parked[trouble.Account] = (until, trouble));

    /// <summary>The account's back-off is over early: a mail got through, or a person changed or resumed it.</summary>
    public void Unpark(AccountKey account) =>
        Put(set =>
        {
            set.Parked.Remove(account);
            set.Unparked.Add(account);
        });

    /// <summary>The account's provider asks for less: see <see cref="AccountTrouble.Slow"/>.</summary>
    public void Slow(AccountTrouble trouble) => Put(set => set.Slowed[trouble.Account] = trouble);

    /// <summary>The account's provider asks for less to a domain. Bounded by the recipients of the mails under way.</summary>
    public void Slow(SlowedDestination slowed) => Put(set => set.SlowedDestinations[(slowed.Account, slowed.Domain)] = slowed);

    /// <summary>The account is slowed no longer, because a person said so.</summary>
    public void Hurry(AccountKey account) => Put(set => set.Hurried.Add(account));

    /// <summary>Something else that Schedule looks at has changed: accounts, suspension, the store's health.</summary>
    public void Look() => Put(static _ => { });

    /// <summary>Completes when something was put since the last <see cref="Drain"/>.</summary>
    public Task WaitAsync()
    {
        lock (_gate)
            return _signal.Task;
    }

    /// <summary>Takes all there is.</summary>
    public WakeSet Drain()
    {
        lock (_gate)
        {
            if (!_signal.Task.IsCompleted)
                return WakeSet.Nothing;
            var set = _set;
            _set = new();
            _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return set;
        }
    }

    private void Put(Action<WakeSet> change)
    {
        TaskCompletionSource signal;
        lock (_gate)
        {
            change(_set);
            signal = _signal;
        }

        signal.TrySetResult();
    }
}

/// <summary>What was put into a <see cref="Wake"/> since the last look.</summary>
public sealed class WakeSet
{
    public static readonly WakeSet Nothing = new();

    public Dictionary<LaneKey, long> DueByLane { get; } = [];
    public List<QueuedMail> Answered { get; } = [];
    public List<QueuedMail> Done { get; } = [];
    public List<QueuedMail> Aside { get; } = [];
    public List<QueuedMail> Returned { get; } = [];
    public Dictionary<AccountKey, (long Until, AccountTrouble Trouble)> Parked { get; } = [];
    public HashSet<AccountKey> Unparked { get; } = [];
    public Dictionary<AccountKey, AccountTrouble> Slowed { get; } = [];
    public Dictionary<(AccountKey Account, string Domain), SlowedDestination> SlowedDestinations { get; } = [];
    public HashSet<AccountKey> Hurried { get; } = [];
}
