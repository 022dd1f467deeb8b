using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// The marks of this node's attempts, as rows: a mark is written in a turn, so that a node that was declared dead gets none, and other
/// nodes see which messages are on their way.
/// </summary>
/// <param name="node">This node's session.</param>
/// <param name="rest">How long this node may still send without having heard of the database.</param>
internal sealed class PgMarks(long node, Func<TimeSpan> rest) : IMarkLog
{
    private const string Columns =
        "message, revision, attempt, lane, priority, due, recipients, slice, at, account_key, account_cost, tenant_key, tenant_cost, "
        + "all_cost";

    // One statement judges and writes: a ticket that a change has outdated gets no mark.
    private const string Insert = $"""
        INSERT INTO marks (session, {Columns})
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15 FROM queue
        WHERE message = ?2 AND revision = ?3 AND attempt = ?4 AND state = 0
        ON CONFLICT DO NOTHING
        """;

    private const string Inherit = $"""
        UPDATE marks SET session = ?1 WHERE session IN (SELECT session FROM nodes WHERE dead_at IS NOT NULL)
            AND lane = ANY(string_to_array(?2, ',')::bigint[]) RETURNING {Columns}
        """;

    // Not by the index of sessions: all marks of this node are there.
    private const string Delete = "DELETE FROM marks WHERE message = ?1 AND revision = ?2 AND attempt = ?3 AND session + 0 = ?4";
    private const string Elsewhere = "SELECT 1 FROM marks WHERE message = ?1 AND session <> ?2";
    private const string AllElsewhere = "SELECT message, revision, attempt FROM marks WHERE session <> ?1";

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Slot> _slots = [];
    private readonly Dictionary<TicketName, int> _ofTicket = [];
    private CommitLoop? _writer;
    private int _last;

    /// <summary>Called on the writer's thread when marks of another node have become this one's.</summary>
    public Action Adopted { get; set; } = static () => { };

    /// <summary>They have not, after all.</summary>
    public Action<QueuedMail> Disowned { get; set; } = static _ => { };

    /// <summary>Who writes the rows. Once, before the first mark.</summary>
    public void WriteBy(CommitLoop writer) => _writer = writer;

    /// <summary>
    /// Takes over the marks of nodes that are dead, in these lanes. Whether they went out nobody knows. Those that were taken over before
    /// and are not settled yet are told again: a taking over may fail behind this.
    /// </summary>
    public async Task<IReadOnlyList<FlightRecord>> AdoptAsync(IReadOnlyCollection<LaneKey> lanes)
    {
        var list = PgNodeRows.List(lanes.Select(static lane => (long)lane.Number));
        var adopted = new List<int>();
        try
        {
            await _writer!.WriteAsync(session =>
            {
                Forget(adopted);
                Keep(session.Query(Inherit, Mark, node, list), adopted);

                // Whatever changes a message behind this finds that its attempt has begun.
                Adopted();
                return true;
            });
        }
        catch
        {
            Forget(adopted);
            throw;
        }

        lock (_gate)
        {
            return
            [
                .. _slots
                    .Values.Where(slot => slot is { IsAdopted: true, IsSettled: false } && lanes.Contains(slot.Mark.Ticket.Lane))
                    .Select(static slot => new FlightRecord(FlightPhase.Out, slot.Mark, [])),
            ];
        }
    }

    private void Keep(IReadOnlyList<Mark> marks, List<int> slots)
    {
        lock (_gate)
        {
            foreach (var mark in marks)
            {
                var slot = NextSlot();
                _slots.Add(slot, new(mark) { IsOut = true, IsAdopted = true });
                _ofTicket[TicketName.Of(mark.Ticket)] = slot;
                slots.Add(slot);
            }
        }
    }

    // The turn in which they were taken over was not committed.
    private void Forget(List<int> slots)
    {
        foreach (var slot in slots)
        {
            if (Drop(slot) is { } mark)
                Disowned(mark.Ticket);
        }

        slots.Clear();
    }

    public int Count
    {
        get
        {
            lock (_gate)
                return _slots.Count;
        }
    }

    public int[] Used()
    {
        lock (_gate)
            return [.. _slots.Keys];
    }

    public FlightRecord Read(int slot)
    {
        lock (_gate)
        {
            var used = _slots[slot];
            return new(used.IsOut ? FlightPhase.Out : FlightPhase.Marked, used.Mark, []);
        }
    }

    public (int Slot, Task<bool> Kept) Mark(Mark mark)
    {
        int slot;
        lock (_gate)
        {
            slot = NextSlot();
            _slots.Add(slot, new(mark));
            _ofTicket[TicketName.Of(mark.Ticket)] = slot;
        }

        var job = new MarkJob((session, written) => Write(session, mark, written));
        _writer!.PostOutcomes(job);
        return (slot, job.Promise);
    }

    public void Out(int slot, long at)
    {
        if (rest() <= TimeSpan.Zero)
        {
            throw new StoreUnavailableException(
                "The database has not answered for so long that another node may send this mail: its last block is withheld."
            );
        }

        lock (_gate)
            _slots[slot].IsOut = true;
    }

    public void Answered(int slot, IReadOnlyList<RecipientVerdict> verdicts)
    {
        // An answer that is not settled when the process ends is in doubt: nobody else could read it.
    }

    public void Free(int slot)
    {
        // Of an attempt that was never made: what is left of it would keep the ticket from ever being marked again.
        if (Drop(slot) is { } left)
            _writer!.PostOutcomes(new MarkJob((session, _) => Remove(session, left.Ticket)) { IsKept = true });
    }

    // The mark, unless it is settled.
    private Mark? Drop(int slot)
    {
        lock (_gate)
        {
            if (!_slots.Remove(slot, out var used))
                return null;
            var name = TicketName.Of(used.Mark.Ticket);
            if (_ofTicket.GetValueOrDefault(name) == slot)
                _ofTicket.Remove(name);
            return used.IsSettled ? null : used.Mark;
        }
    }

    public void Settle(Session session, QueuedMail ticket)
    {
        lock (_gate)
        {
            if (!_ofTicket.TryGetValue(TicketName.Of(ticket), out var slot))
                return;
            _slots[slot].IsSettled = true;
        }

        Remove(session, ticket);
    }

    public bool IsMarkedElsewhere(Session session, long message) => session.Prepare(Elsewhere).Add(message).Add(node).Scalar() is not null;

    public IReadOnlyList<TicketName> MarkedElsewhere(Session session) =>
        session.Query(AllElsewhere, static row => new TicketName(row.Long(0), row.Int(1), row.Int(2)), node);

    private int NextSlot() => _last = _last == int.MaxValue ? 1 : _last + 1;

    private static Mark Mark(Statement row) =>
        new(
            new(row.Long(0), row.Int(1), new(row.Int(3)), (Priority)row.Int(4), row.Int(2), row.Long(5), row.Int(6)),
            row.Int(7),
            new(
                new(LimitKey.FromStored(row.Int(9)), row.Int(10)),
                new(LimitKey.FromStored(row.Int(11)), row.Int(12)),
                new(LimitKey.Installation, row.Int(13))
            ),
            row.Long(8)
        );

    private void Write(Session session, Mark mark, Action<int> written)
    {
        var (ticket, permits) = (mark.Ticket, mark.Permits);
        session
            .Prepare(Insert)
            .Add(node)
            .Add(ticket.Id)
            .Add(ticket.Revision)
            .Add(ticket.Attempt)
            .Add(ticket.Lane.Number)
            .Add((long)ticket.Priority)
            .Add(ticket.Due)
            .Add(ticket.Recipients)
            .Add(mark.Recipients)
            .Add(mark.At)
            .Add(permits.Account.Key.Stored)
            .Add(permits.Account.Permits)
            .Add(permits.Tenant.Key.Stored)
            .Add(permits.Tenant.Permits)
            .Add(permits.Installation.Permits)
            .Post(written);
    }

    private void Remove(Session session, QueuedMail ticket) =>
        session.Prepare(Delete).Add(ticket.Id).Add(ticket.Revision).Add(ticket.Attempt).Add(node).Post();

    private sealed class Slot(Mark mark)
    {
        public Mark Mark { get; } = mark;

        public bool IsOut { get; set; }

        /// <summary>Another node made the attempt.</summary>
        public bool IsAdopted { get; init; }

        public bool IsSettled { get; set; }
    }
}
