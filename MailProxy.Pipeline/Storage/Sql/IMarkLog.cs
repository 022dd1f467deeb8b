using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>Where the marks of attempts are kept, so that whoever comes after a crash knows what may have gone out.</summary>
internal interface IMarkLog
{
    /// <summary>Attempts that have a mark.</summary>
    int Count { get; }

    /// <summary>Every slot in use.</summary>
    int[] Used();

    /// <summary>What stands in a slot that is in use.</summary>
    FlightRecord Read(int slot);

    /// <summary>
    /// Writes a mark; completes when it is kept. False: the store knows the ticket no longer. Faults with <see
    /// cref="StoreUnavailableException"/>.
    /// </summary>
    /// <returns>The slot, for the later steps; below 0: there is none.</returns>
    (int Slot, Task<bool> Kept) Mark(Mark mark);

    /// <summary>The last block goes out next. Throws <see cref="StoreUnavailableException"/>: then it must not.</summary>
    void Out(int slot, long at);

    /// <summary>The server has answered. What cannot be kept is in doubt should the process end now.</summary>
    void Answered(int slot, IReadOnlyList<RecipientVerdict> verdicts);

    /// <summary>The attempt is settled, or never began.</summary>
    void Free(int slot);

    /// <summary>Inside the transaction that settles the attempt.</summary>
    void Settle(Session session, QueuedMail ticket);

    /// <summary>Whether another node has marked an attempt of this message.</summary>
    bool IsMarkedElsewhere(Session session, long message);

    /// <summary>Every attempt that another node has marked.</summary>
    IReadOnlyList<TicketName> MarkedElsewhere(Session session);
}
