using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Which tickets are out, and how far their attempts have come: claimed, marked, begun, settled. In memory only, since one process holds
/// a lane. A ticket is named by message, revision and attempt: every change of a message raises one of them, so that what was read before
/// the change claims nothing after it.
/// </summary>
/// <remarks>
/// An attempt begins when its body does, by one compare-and-set against the changes: whoever comes first wins. A change withdraws its
/// ticket before it writes, and until its transaction has ended nobody can claim that ticket anew from an older snapshot.
/// </remarks>
internal sealed class Claims
{
    private readonly IMarkLog _log;
    private readonly Lock _gate = new();
    private readonly Dictionary<TicketName, Claim> _out = [];
    private readonly HashSet<TicketName> _changing = [];
    private long _claimed;

    public Claims(IMarkLog log)
    {
        _log = log;
        Adopt();
    }

    /// <summary>Whether this process may claim from a lane. Asked under the lock, so that what is given up first is not claimed from
    /// after <see cref="Lanes"/> was asked.</summary>
    public Func<LaneKey, bool> MayClaim { get; set; } = static _ => true;

    /// <summary>Takes over every attempt that has a mark and no claim: it may be under way, or a process that has ended made it.</summary>
    public void Adopt()
    {
        lock (_gate)
        {
            // After a power cut a ticket may have two slots, one of them freed just before: that which got further counts.
            foreach (var slot in _log.Used().OrderByDescending(slot => _log.Read(slot).Phase).ToArray())
            {
                var ticket = _log.Read(slot).Ticket;
                var claim = Claim.Of(ticket.Lane, 0) with { State = ClaimState.Begun, Slot = slot };
                var name = TicketName.Of(ticket);
                if (!_out.TryAdd(name, claim) && _out[name].Slot != slot)
                    _log.Free(slot);
            }
        }
    }

    /// <summary>How many attempts have a mark in the flight log.</summary>
    public int Marked => _log.Count;

    /// <summary>Claims so far, each of which has its number. What is read after a claim was made knows all that was changed before
    /// it.</summary>
    public long Claimed => Volatile.Read(ref _claimed);

    /// <summary>False: somebody has it, or its message is being changed, or another process holds its lane.</summary>
    public bool TryAdd(in QueuedMail ticket)
    {
        lock (_gate)
        {
            if (!MayClaim(ticket.Lane))
                return false;
            if (!_out.TryAdd(TicketName.Of(ticket), Claim.Of(ticket.Lane, _claimed + 1)))
                return false;
            _claimed++;
            return true;
        }
    }

    /// <summary>The lanes of which somebody has a ticket.</summary>
    public HashSet<LaneKey> Lanes()
    {
        lock (_gate)
            return [.. _out.Values.Where(static claim => claim.Held).Select(static claim => claim.Lane)];
    }

    /// <summary>
    /// The number of the claim of somebody who may still begin: it was not withdrawn, and its body has not begun. Null: there is none.
    /// </summary>
    public long? Open(QueuedMail ticket)
    {
        lock (_gate)
        {
            return _out.TryGetValue(TicketName.Of(ticket), out var claim) && claim is { State: ClaimState.Claimed, Held: true }
                ? claim.Number
                : null;
        }
    }

    /// <summary>Whether nobody may claim it now.</summary>
    /// <param name="isChanging">Nobody has it: its message is being changed, and should the change be undone nobody tells.</param>
    public bool Contains(long message, int revision, int attempt, out bool isChanging)
    {
        lock (_gate)
        {
            var isThere = _out.TryGetValue(new(message, revision, attempt), out var claim);
            isChanging = isThere && !claim.Held;
            return isThere;
        }
    }

    /// <summary>Ends a claim. Its attempt is settled, or will not be made.</summary>
    public void Remove(QueuedMail ticket)
    {
        lock (_gate)
        {
            var name = TicketName.Of(ticket);
            if (!_out.TryGetValue(name, out var claim) || !claim.Held)
                return;
            if (claim.Slot is { } slot)
                _log.Free(slot);
            claim = claim with { Held = false, Slot = null };
            if (_changing.Contains(name))
                _out[name] = claim;
            else
                _out.Remove(name);
        }
    }

    /// <summary>
    /// Ends every claim but of those attempts whose last block has gone out, and tells what is known of them. As after the end of a
    /// process.
    /// </summary>
    public List<FlightRecord> Recover()
    {
        var open = new List<FlightRecord>();
        lock (_gate)
        {
            foreach (var (name, claim) in _out)
            {
                if (claim.Slot is { } slot && _log.Read(slot) is { Phase: not FlightPhase.Marked } record)
                {
                    open.Add(record);
                    continue;
                }

                if (claim.Slot is { } unused)
                    _log.Free(unused);
                _out.Remove(name);
            }
        }

        return open;
    }

    // ── The attempt ──

    /// <summary>
    /// Asks for the mark of a claimed ticket, once and before its body begins; completes when it is on the disk. False: the ticket was
    /// withdrawn.
    /// </summary>
    public Task<bool> MarkAsync(Mark mark)
    {
        lock (_gate)
        {
            ref var claim = ref CollectionsMarshal.GetValueRefOrNullRef(_out, TicketName.Of(mark.Ticket));
            if (Unsafe.IsNullRef(ref claim) || claim.State != ClaimState.Claimed)
                return Task.FromResult(false);
            var (slot, kept) = _log.Mark(mark);
            if (slot >= 0)
                claim = claim with { Slot = slot };
            return kept;
        }
    }

    /// <summary>The body begins. False: the ticket was withdrawn, and nothing of the body may go out.</summary>
    public bool TryBegin(QueuedMail ticket)
    {
        lock (_gate)
        {
            ref var claim = ref CollectionsMarshal.GetValueRefOrNullRef(_out, TicketName.Of(ticket));
            if (Unsafe.IsNullRef(ref claim) || claim.State != ClaimState.Claimed)
                return false;
            claim = claim with { State = ClaimState.Begun };
            return true;
        }
    }

    /// <summary>The last block of the body goes out next. Throws <see cref="StoreUnavailableException"/>: then it must not.</summary>
    /// <param name="at">When the body began, Unix milliseconds.</param>
    public void Out(QueuedMail ticket, long at)
    {
        lock (_gate)
            _log.Out(SlotOf(ticket), at);
    }

    /// <summary>The server has answered; the outcome is about to be settled.</summary>
    public void Answered(QueuedMail ticket, IReadOnlyList<RecipientVerdict> verdicts)
    {
        lock (_gate)
        {
            if (_out.TryGetValue(TicketName.Of(ticket), out var claim) && claim.Slot is { } slot)
                _log.Answered(slot, verdicts);
        }
    }

    /// <summary>Whether the body of this very attempt has begun, and it is not settled.</summary>
    public bool HasBegun(long message, int revision, int attempt)
    {
        lock (_gate)
            return _out.TryGetValue(new(message, revision, attempt), out var claim) && claim.State == ClaimState.Begun;
    }

    /// <summary>The same, here or on another node.</summary>
    public bool HasBegun(Session session, long message, int revision, int attempt) =>
        HasBegun(message, revision, attempt) || _log.IsMarkedElsewhere(session, message);

    /// <summary>Inside the transaction that settles the attempt.</summary>
    public void Settle(Session session, QueuedMail ticket) => _log.Settle(session, ticket);

    /// <summary>Every ticket whose body has begun, here or on another node.</summary>
    public List<TicketName> Begun(Session session)
    {
        var begun = new List<TicketName>(_log.MarkedElsewhere(session));
        lock (_gate)
        {
            foreach (var (name, claim) in _out)
            {
                if (claim.State == ClaimState.Begun)
                    begun.Add(name);
            }
        }

        return begun;
    }

    // ── Changes, on the writer's thread ──

    /// <summary>Takes a ticket back, whoever has it. False: its body has begun, and the message cannot be changed now.</summary>
    public bool TryWithdraw(long message, int revision, int attempt)
    {
        lock (_gate)
        {
            var name = new TicketName(message, revision, attempt);
            ref var claim = ref CollectionsMarshal.GetValueRefOrAddDefault(_out, name, out _);
            if (claim.State == ClaimState.Begun)
                return false;
            claim = claim with { State = ClaimState.Withdrawn };
            _changing.Add(name);
            return true;
        }
    }

    /// <summary>The transaction of the changes has ended, either way. A holder of a withdrawn ticket still has to give it back.</summary>
    public void ChangesOver()
    {
        lock (_gate)
        {
            foreach (var name in _changing)
            {
                if (_out.TryGetValue(name, out var claim) && !claim.Held)
                    _out.Remove(name);
            }

            _changing.Clear();
        }
    }

    private int SlotOf(QueuedMail ticket) =>
        _out.TryGetValue(TicketName.Of(ticket), out var claim) && claim.Slot is { } slot
            ? slot
            : throw new InvalidOperationException($"Message {ticket.Id} goes out without a mark.");

    private enum ClaimState : byte
    {
        Claimed,
        Begun,
        Withdrawn,
    }

    private readonly record struct Claim
    {
        public static Claim Of(LaneKey lane, long number) =>
            new()
            {
                Lane = lane,
                Number = number,
                Held = true,
            };

        public ClaimState State { get; init; }

        public long Number { get; init; }

        /// <summary>The ticket's, while somebody has it.</summary>
        public LaneKey Lane { get; init; }

        /// <summary>Somebody has the ticket; else it is only kept from being claimed.</summary>
        public bool Held { get; init; }

        /// <summary>Where its mark is in the flight log.</summary>
        public int? Slot { get; init; }
    }
}
