using System.Collections.Concurrent;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// The limits of accounts for mail to one domain each. Who goes where is only known of mail that was loaded, so what may not go now is put
/// off: each behind the other, to the time at which its turn is expected, so that a hundred thousand for one domain are put off once and
/// hold up nobody. It never waits. Safe to call from any thread.
/// </summary>
/// <param name="most">Destinations that have counts at a time; idle ones leave.</param>
internal sealed class DestinationGate(CurrentAccounts accounts, TimeProvider clock, int most = 50_000)
{
    /// <summary>How long (milliseconds) mail to one more destination waits when there are as many as there may be.</summary>
    private const long Crowded = 10_000;

    private const int Shown = 100;

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<(AccountKey Account, string Domain), Destination> _destinations = [];
    private long _trimmed;

    /// <summary>How many destinations have counts.</summary>
    public int Count => _destinations.Count;

    /// <summary>Takes over what was counted before a restart.</summary>
    public void Seed(IEnumerable<DestinationUse> uses)
    {
        foreach (var counted in uses.GroupBy(static use => (use.Account, use.Domain)))
            Find(counted.Key.Account, counted.Key.Domain)?.Seed(counted);
    }

    /// <summary>Asks for every domain of the slice. What is granted is held until the permit is spent or given back.</summary>
    public DestinationAnswer Ask(DueMail due, SmtpAccount account, MailContent slice)
    {
        if (account.Limits.Destinations is not { } limits)
            return new DestinationAnswer.May(due.Permit, slice);
        var now = Now();
        var leases = new List<AccountLease>();
        var going = new List<SliceRecipient>();
        var (first, reason) = (long.MaxValue, "");
        var waited = due.Ticket.Due > 0;
        foreach (var group in slice.Slice.GroupBy(static to => DestinationLimits.DomainOf(to.Address)))
        {
            if (limits.Of(group.Key) is null)
            {
                going.AddRange(group);
                continue;
            }

            var recipients = group.ToArray();
            var asked = account.Limits.Count == LimitCount.Messages ? 1 : recipients.Length;
            if (Find(account.Key, group.Key) is not { } destination)
                (first, reason) = Earlier(first, reason, now + Crowded, "There are too many destinations with limits at a time.");
            else if (destination.Take(asked, waited, now, out var refusal) is { } lease)
            {
                leases.Add(lease);
                going.AddRange(account.Limits.Count == LimitCount.Messages ? recipients : recipients.Take(lease.Permits));
            }
            else
                (first, reason) = Earlier(first, reason, destination.OpensAt(waited, now), $"Mail to {group.Key}: {refusal}.");
        }

        if (going.Count == slice.Slice.Count && leases.Count == 0)
            return new DestinationAnswer.May(due.Permit, slice);
        if (going.Count > 0)
            return new DestinationAnswer.May(new DestinationPermit(due.Permit, leases), Of(slice, going));
        return account.Limits.WhenReached == LimitReached.Fail
            ? new DestinationAnswer.Never($"A limit is reached and mail does not wait for it. {reason}")
            : new DestinationAnswer.Later(PutOff(account, slice, waited, now, first), reason);
    }

    /// <summary>Domains of an account whose limits are used, those that hold mail up first.</summary>
    public IReadOnlyList<DestinationUsage> Usage(SmtpAccount account)
    {
        if (account.Limits.Destinations is null)
            return [];
        var now = Now();
        return
        [
            .. _destinations
                .Where(one => one.Key.Account == account.Key)
                .Select(one => one.Value.Usage(one.Key.Domain, now))
                .Where(static usage => usage.Limits.Any(static limit => limit.Used > 0))
                .OrderByDescending(static usage => usage.OpensAt ?? 0)
                .ThenByDescending(static usage => usage.Limits.Max(static limit => (double)limit.Used / limit.Limit))
                .Take(Shown),
        ];
    }

    /// <summary>Nothing is promised any more: the account's limits are others now.</summary>
    public void Changed(AccountKey account)
    {
        foreach (var (_, destination) in _destinations.Where(one => one.Key.Account == account))
            destination.Forget();
    }

    /// <summary>Drops the counts of accounts that are gone, and those that have been idle.</summary>
    public void Trim()
    {
        var directory = accounts.Directory;
        foreach (var (key, destination) in _destinations)
        {
            if (directory.Find(key.Account)?.Limits.Destinations?.Of(key.Domain) is null || destination.IsIdle(Idle, Now()))
                _destinations.TryRemove(key, out _);
        }
    }

    // The turn of the whole mail is that of the destination that opens first; there it stands in the row.
    private long PutOff(SmtpAccount account, MailContent slice, bool waited, long now, long first)
    {
        foreach (var group in slice.Slice.GroupBy(static to => DestinationLimits.DomainOf(to.Address)))
        {
            if (Find(account.Key, group.Key) is { } destination && destination.OpensAt(waited, now) == first)
            {
                destination.Promise(account.Limits.Count == LimitCount.Messages ? 1 : group.Count(), waited, now);
                break;
            }
        }

        return first;
    }

    private static (long At, string Reason) Earlier(long first, string reason, long at, string why) =>
        at < first ? (at, why) : (first, reason);

    private static MailContent Of(MailContent slice, List<SliceRecipient> going)
    {
        var left = slice.Slice.Count - going.Count;
        return left == 0
            ? slice
            : slice with
            {
                Slice = [.. going.OrderBy(static to => to.Ordinal)],
                Standing = slice.Standing with { Rest = slice.Standing.Rest + left },
                Earlier = [],
            };
    }

    // Null: there are as many as there may be.
    private Destination? Find(AccountKey account, string domain)
    {
        if (_destinations.TryGetValue((account, domain), out var found))
            return found;
        if (_destinations.Count >= most && !HasTrimmed())
            return null;
        return _destinations.GetOrAdd((account, domain), key => new(() => LimitsOf(key.Account, key.Domain), clock));
    }

    // Looking at all of them takes a while, so not for each mail.
    private bool HasTrimmed()
    {
        var (now, last) = (Now(), Volatile.Read(ref _trimmed));
        if (now - last >= 1_000 && Interlocked.CompareExchange(ref _trimmed, now, last) == last)
            Trim();
        return _destinations.Count < most;
    }

    private AccountLimits LimitsOf(AccountKey key, string domain) =>
        accounts.Directory.Find(key)?.Limits is { Destinations: { } destinations } limits && destinations.Of(domain) is { } own
            ? own with
            {
                Count = limits.Count,
                WhenReached = limits.WhenReached,
            }
            : AccountLimits.None;

    private long Now() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>An account's permit with those of the destinations, spent or given back together.</summary>
internal sealed class DestinationPermit(SendPermit inner, IReadOnlyList<AccountLease> leases) : SendPermit
{
    public override bool IsAcquired => inner.IsAcquired;
    public override PermitCounts Counts => inner.Counts;
    public override int MaxRecipients => inner.MaxRecipients;
    public override string? Refusal => inner.Refusal;
    public override string RefusalStatus => inner.RefusalStatus;
    public override IEnumerable<string> MetadataNames => inner.MetadataNames;

    public override void Spend()
    {
        inner.Spend();
        foreach (var lease in leases)
            lease.Spend();
    }

    public override bool TryGetMetadata(string metadataName, out object? metadata) => inner.TryGetMetadata(metadataName, out metadata);

    /// <summary>Gives back what the destinations hold, and leaves the account's permit to its holder.</summary>
    public void Forgo()
    {
        foreach (var lease in leases)
            lease.Dispose();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        Forgo();
        inner.Dispose();
    }
}
