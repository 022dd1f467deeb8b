using CsCheck;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Sharing;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>
/// Whatever tenants, accounts and mail there are: no tenant exceeds its share, nobody who may go is left waiting, and nobody starves.
/// </summary>
internal sealed class TenantTurnsPropertyTests
{
    private const int InFlight = 16,
        Window = 60,
        Cap = 3;

    // What happens (0 to 5: mail comes; 6 to 8: one is picked; 9, 10: one ends; 11: one is set aside), tenant, account of the tenant,
    // priority, which of those on their way.
    private static readonly Gen<(int What, int Tenant, int Account, int Priority, int Which)[]> Steps = Gen.Select(
        Gen.Int[0, 11],
        Gen.Int[0, 4],
        Gen.Int[0, 9],
        Gen.Int[0, 3],
        Gen.Int[0, 99]
    ).Array[1, 400];

    [Test]
    public void AnySequence_NoTenantExceedsItsShareAndNoPermittedMailIsLeftWaiting()
    {
        Gen.Select(Steps, Gen.Double[0.1, 1])
            .Sample(
                (steps, part) =>
                {
                    var share = new TenantShare(part, static () => true);
                    var play = new Play(share);
                    foreach (var step in steps)
                    {
                        play.Do(step);
                        foreach (var tenant in play.Tenants)
                        {
                            var (held, _) = play.Queue.InFlightOf(tenant);
                            var (tickets, _) = play.Queue.TicketsOf(tenant);
                            if (tickets != play.TicketsOf(tenant) || held != play.FlyingOf(tenant))
                                return false;
                        }

                        if (play.Queue.InFlight > InFlight || play.Queue.Count > Window)
                            return false;

                        // Passed over is only who is at its share, or whose lanes are at their caps.
                        if (play.Queue.Next() is null && play.Queue.InFlight < InFlight && play.Queue.Lanes.Any(play.MayGo))
                            return false;
                    }

                    return true;
                }
            );
    }

    [Test]
    public void AnyBacklog_EveryTenantGoesWithinOneRound()
    {
        // Everybody has mail; as one ends the next goes. A tenant with urgent mail has every second turn at most, so each of n has gone
        // after 2n.
        Gen.Select(Gen.Int[1, 40].Array[2, 6], Gen.Int[0, 3].Array[6, 6])
            .Sample(
                (accounts, priorities) =>
                {
                    var queue = new ActiveQueue(10_000, InFlight, 100, static _ => { }, new(0.5, static () => true));
                    var id = 0;
                    for (var tenant = 0; tenant < accounts.Length; tenant++)
                    {
                        for (var i = 0; i < accounts[tenant] * 4; i++)
                        {
                            var key = new LaneKey((tenant * 1000) + (i % accounts[tenant]) + 1);
                            var lane = queue.Lane(key, out _, $"t{tenant}");
                            lane.InFlightCap = 100;
                            queue.Offer(lane, Ticket(++id, key, (Priority)priorities[tenant]));
                        }
                    }

                    var gone = new Dictionary<string, int>();
                    while (gone.Count < accounts.Length)
                    {
                        if (queue.Next() is not { } next)
                            return false;
                        var tenant = next.Tenant.Tenant;
                        if ((gone[tenant] = gone.GetValueOrDefault(tenant) + 1) > accounts.Length)
                            return false;
                        queue.Done(next, queue.Take(next));
                    }

                    return gone.Values.Sum() <= 2 * accounts.Length;
                }
            );
    }

    private sealed class Play
    {
        private readonly TenantShare _share;
        private readonly List<(MailLane Lane, QueuedMail Ticket)> _flying = [];
        private long _id;

        public Play(TenantShare share)
        {
            _share = share;
            Queue = new(Window, InFlight, 8, static _ => { }, share);
        }

        public ActiveQueue Queue { get; }

        public IEnumerable<string> Tenants => Queue.Lanes.Select(static lane => lane.Tenant.Tenant).Distinct();

        public void Do((int What, int Tenant, int Account, int Priority, int Which) step)
        {
            switch (step.What)
            {
                case < 6:
                    var key = new LaneKey((step.Tenant * 100) + step.Account + 1);
                    var lane = Queue.Lane(key, out _, $"t{step.Tenant}");
                    lane.InFlightCap = Cap;
                    Queue.Offer(lane, Ticket(++_id, key, (Priority)step.Priority));
                    break;
                case < 9 when Queue.Next() is { } next:
                    var before = Queue.InFlightOf(next.Tenant.Tenant);
                    if (before.Held > 0 && before.Held + 1 > before.Allowed)
                        throw new InvalidOperationException($"beyond its share: {before}");
                    _flying.Add((next, Queue.Take(next)));
                    break;
                case < 11 when _flying.Count > 0:
                    var (from, ticket) = _flying[step.Which % _flying.Count];
                    _flying.RemoveAt(step.Which % _flying.Count);
                    Queue.Done(from, ticket);
                    break;
                case 11 when _flying.Count > 0:
                    var (home, waits) = _flying[step.Which % _flying.Count];
                    _flying.RemoveAt(step.Which % _flying.Count);
                    Queue.SetAside(home, waits);
                    break;
            }
        }

        public long TicketsOf(string tenant) => Queue.Lanes.Where(lane => lane.Tenant.Tenant == tenant).Sum(static lane => lane.Count);

        public long FlyingOf(string tenant) => _flying.Count(mail => mail.Lane.Tenant.Tenant == tenant);

        public bool MayGo(MailLane lane) =>
            lane.Count > 0
            && lane.InFlight < Math.Min(Cap, InFlight / 4)
            && _share.Allows(InFlight, _flying.Count - FlyingOf(lane.Tenant.Tenant), FlyingOf(lane.Tenant.Tenant), 1);
    }
}
