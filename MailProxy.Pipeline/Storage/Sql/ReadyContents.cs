using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>
/// Small contents of claimed mail that is sent soon, so that it need not be read by itself: what was just stored, and what was read ahead.
/// Kept by ticket until somebody takes it or the claim ends. From any thread.
/// </summary>
/// <remarks>
/// What a ticket names never changes: every change of a message raises its revision or its attempt. A change withdraws the claim, and
/// then nothing comes out of here either.
/// </remarks>
internal sealed class ReadyContents(Claims claims)
{
    /// <summary>The largest body that is kept. Larger ones are rare, and reading them is not what they cost most.</summary>
    public const int LargestBody = 16 * 1024;

    /// <summary>The most recipients of a mail that is kept.</summary>
    public const int MostRecipients = 8;

    // Nothing is displaced, so that a lane that stands still cannot make others' mail be read twice; a lane has a part of it at most.
    private const int Most = 4096;
    private const int MostOfLane = 256;
    private const long MostBytes = 8 << 20;
    private const int Objects = 512; // what an entry takes beside body and recipients
    private const int Recipient = 128;
    private const int LargestEntry = Objects + MostRecipients * Recipient + LargestBody;

    private readonly Lock _gate = new();
    private readonly Dictionary<TicketName, Entry> _entries = [];
    private readonly Dictionary<LaneKey, int> _lanes = [];
    private long _bytes;

    /// <summary>How many contents of the lane may be added now.</summary>
    public int RoomOf(LaneKey lane)
    {
        lock (_gate)
            return _bytes > MostBytes - LargestEntry ? 0 : Math.Min(Most - _entries.Count, MostOfLane - _lanes.GetValueOrDefault(lane));
    }

    /// <summary>Whether it is worth reading: claimed, not under way, and not here yet.</summary>
    /// <param name="claimed">Claims that had been made when what is read began to be read.</param>
    public bool Wants(QueuedMail ticket, long claimed = long.MaxValue)
    {
        lock (_gate)
        {
            if (_entries.ContainsKey(TicketName.Of(ticket)))
                return false;
        }

        return claims.Open(ticket) <= claimed;
    }

    /// <param name="content">With every recipient that the attempt may have.</param>
    /// <param name="claimed">Claims that had been made when it began to be read: it is kept for one of those only, since it may be older
    /// than a later one.</param>
    public void Add(QueuedMail ticket, MailContent content, long claimed = long.MaxValue)
    {
        if (claims.Open(ticket) is not { } claim || claim > claimed)
            return;
        var entry = new Entry(ticket.Lane, claim, content, Objects + Recipient * content.Slice.Count + content.Json.Length);
        lock (_gate)
        {
            if (_bytes + entry.Bytes > MostBytes || !_entries.TryAdd(TicketName.Of(ticket), entry))
                return;
            _bytes += entry.Bytes;
            _lanes[entry.Lane] = _lanes.GetValueOrDefault(entry.Lane) + 1;
        }

        // A claim that ends from now on takes this with it; one that ended just before did not.
        if (claims.Open(ticket) != claim)
            Remove(ticket);
    }

    /// <summary>Hands it out, once. Null: it is not here, the ticket is stale, or there are more recipients than that.</summary>
    public MailContent? Take(LoadRequest wanted)
    {
        var entry = RemoveEntry(wanted.Ticket);
        return entry?.Content.Slice.Count <= wanted.MaxRecipients && claims.Open(wanted.Ticket) == entry?.Claim ? entry?.Content : null;
    }

    /// <summary>The claim has ended.</summary>
    public void Remove(QueuedMail ticket) => RemoveEntry(ticket);

    private Entry? RemoveEntry(QueuedMail ticket)
    {
        lock (_gate)
        {
            if (!_entries.Remove(TicketName.Of(ticket), out var entry))
                return null;
            _bytes -= entry.Bytes;
            if (_lanes[entry.Lane] == 1)
                _lanes.Remove(entry.Lane);
            else
                _lanes[entry.Lane]--;
            return entry;
        }
    }

    private sealed record Entry(LaneKey Lane, long Claim, MailContent Content, int Bytes);
}
