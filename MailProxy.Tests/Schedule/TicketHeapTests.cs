using CsCheck;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Schedule;
using NUnit.Framework;
using static MailProxy.Tests.Schedule.Tickets;

namespace MailProxy.Tests.Schedule;

internal sealed class TicketHeapTests
{
    [Test]
    public void AnySequence_BehavesAsASortedList()
    {
        // 0 to 5: add; 6, 7: take the first; 8, 9: take the last.
        Gen.Select(Gen.Int[0, 9], Gen.Long[0, 5])
            .Array[0, 200]
            .Sample(steps =>
            {
                var heap = new TicketHeap();
                var model = new List<QueuedMail>();
                var random = new Random(steps.Length);
                foreach (var (step, due) in steps)
                {
                    if (step < 6)
                    {
                        var ticket = Ticket(random.Next(1000), A, due: due);
                        heap.Add(ticket);
                        model.Add(ticket);
                        model.Sort((a, b) => (a.Due, a.Id).CompareTo((b.Due, b.Id)));
                    }
                    else if (model.Count > 0)
                    {
                        var first = step < 8;
                        var expected = first ? model[0] : model[^1];
                        if (!Equals(first ? heap.First : heap.Last, expected))
                            return false;
                        if (!Equals(first ? heap.TakeFirst() : heap.TakeLast(), expected))
                            return false;
                        model.RemoveAt(first ? 0 : model.Count - 1);
                    }

                    if (heap.Count != model.Count)
                        return false;
                }

                return true;
            });
    }

    [Test]
    public void LaneHeap_AnySequence_NamesTheSmallest()
    {
        Gen.Select(Gen.Int[0, 15], Gen.Long[-1, 30])
            .Array[0, 200]
            .Sample(steps =>
            {
                var heap = new LaneHeap(0);
                var lanes = Enumerable.Range(0, 16).Select(i => new MailLane(new(i))).ToArray();
                var model = new Dictionary<MailLane, long>();
                foreach (var (lane, key) in steps)
                {
                    if (key < 0)
                    {
                        heap.Remove(lanes[lane]);
                        model.Remove(lanes[lane]);
                    }
                    else
                    {
                        heap.Set(lanes[lane], key);
                        model[lanes[lane]] = key;
                    }

                    if (heap.Count != model.Count || heap.FirstKey != model.Values.DefaultIfEmpty(long.MaxValue).Min())
                        return false;
                    if (model.Count > 0 && model[heap.First!] != heap.FirstKey)
                        return false;
                }

                return true;
            });
    }
}
