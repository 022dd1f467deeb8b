using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

/// <summary>
/// How an attempt begins. Between its mark and its settlement the store knows of it whatever happens, and changes of the message know how
/// far it has come: a change takes a ticket back until the body begins, and is refused from then on.
/// </summary>
public interface IMarks
{
    /// <summary>
    /// Notes the attempt of a claimed ticket; completes when the note is on the disk. May be asked for early. False: the ticket was
    /// withdrawn. Faults with <see cref="StoreUnavailableException"/>.
    /// </summary>
    Task<bool> MarkAsync(Mark mark);

    /// <summary>The body begins, at most once. False: the ticket was withdrawn, and nothing of the body may go out.</summary>
    bool TryBegin(QueuedMail ticket);

    /// <summary>
    /// The last block of the body goes out next: from here on the server may have the message. After the mark is on the disk. Throws <see
    /// cref="StoreUnavailableException"/>: then it must not go out.
    /// </summary>
    /// <param name="at">When the body began, Unix milliseconds.</param>
    void Out(QueuedMail ticket, long at);

    /// <summary>The server has answered: should the process end before the settlement, this is what it says.</summary>
    void Answered(QueuedMail ticket, IReadOnlyList<RecipientVerdict> verdicts);
}

/// <summary>An attempt, as it is noted before the last block of its body goes out: what is known of it should the process end.</summary>
/// <param name="Recipients">How many the transaction has.</param>
/// <param name="At">When the body began; the permits count from then on.</param>
/// <param name="Permits">What it costs under each limit.</param>
public sealed record Mark(QueuedMail Ticket, int Recipients, PermitCounts Permits, long At);
