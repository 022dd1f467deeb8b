using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Send;

/// <summary>How one attempt begins, step by step: its mark is asked for, its body begins, the last block goes out.</summary>
internal sealed class AttemptMark(ResolvedMail mail, IMarks marks, TimeProvider clock)
{
    private Task<bool>? _synced;

    /// <summary>The attempt as it is noted; null: its body has not begun.</summary>
    public Mark? Begun { get; private set; }

    private QueuedMail Ticket => mail.Due.Ticket;

    /// <summary>
    /// Whether the mark may be asked for before the attempt's turn. Not where a limit counts: the permit is dated when the body begins. Not
    /// where what was only marked would be closed as ambiguous after a power cut, and never sent.
    /// </summary>
    public bool MayBeEarly => mail.Content.OnAmbiguous == AmbiguousPolicy.Retry && mail.Due.Permit.Counts.IsNothing;

    /// <summary>Asks for the mark, once.</summary>
    public void Request() => _synced ??= marks.MarkAsync(Note());

    /// <summary>The body begins now. False: the ticket was withdrawn.</summary>
    public bool TryBegin()
    {
        if (Begun is not null)
            return true;
        if (!marks.TryBegin(Ticket))
            return false;
        Begun = Note();
        mail.Due.Permit.Spend();
        return true;
    }

    /// <summary>Waits for the mark, then notes that the last block goes out. False: it must not.</summary>
    public async ValueTask<bool> OutAsync(CancellationToken stop)
    {
        Request();
        try
        {
            if (!await _synced!.WaitAsync(stop))
                return false;
            marks.Out(Ticket, Begun!.At);
            return true;
        }
        catch (Exception error) when (_synced!.IsFaulted || error is StoreUnavailableException)
        {
            Trouble = error.Message;
            return false;
        }
    }

    /// <summary>Why the attempt could not be marked; null: it could, or the ticket was withdrawn.</summary>
    public string? Trouble { get; private set; }

    /// <summary>The server has answered, before the outcome is handed on.</summary>
    public void Answered(IReadOnlyList<RecipientVerdict> verdicts) => marks.Answered(Ticket, verdicts);

    private Mark Note() => new(Ticket, mail.Content.Slice.Count, mail.Due.Permit.Counts, clock.GetUtcNow().ToUnixTimeMilliseconds());
}
