using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Schedule;
using MailProxy.Pipeline.Sharing;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

/// <summary>Makes the queue under test, and remembers the tickets that it let go.</summary>
internal abstract class ActiveQueueFixture
{
    protected static readonly TenantShare Half = new(0.5, static () => true);

    protected readonly List<QueuedMail> _letGo = [];
    protected int _cap;

    [SetUp]
    public void Clear() => _letGo.Clear();

    protected ActiveQueue Queue(int window = 10_000, int inFlight = 256, int cap = 16, TenantShare? share = null)
    {
        _cap = cap;
        return new(window, inFlight, 500, _letGo.Add, share);
    }

    protected MailLane Lane(ActiveQueue queue, LaneKey key, string tenant = "")
    {
        var lane = queue.Lane(key, out var made, tenant);
        if (made)
            lane.InFlightCap = _cap;
        return lane;
    }

    protected void Offer(ActiveQueue queue, QueuedMail ticket) => queue.Offer(Lane(queue, ticket.Lane), ticket);

    protected void Offer(ActiveQueue queue, LaneKey key, params long[] ids)
    {
        foreach (var id in ids)
            Offer(queue, Ticket(id, key));
    }

    protected void Offer(ActiveQueue queue, string tenant, params QueuedMail[] tickets)
    {
        foreach (var ticket in tickets)
            queue.Offer(Lane(queue, ticket.Lane, tenant), ticket);
    }

    protected static void Park(ActiveQueue queue, LaneKey key, long until, long now)
    {
        queue.Find(key)!.AtLimit = new(until, "");
        queue.Waited(queue.Find(key)!, now);
    }

    protected static List<long> Picks(ActiveQueue queue, int count)
    {
        var ids = new List<long>();
        while (ids.Count < count && queue.Next() is { } lane)
            ids.Add(queue.Take(lane).Id);
        return ids;
    }
}
