using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Schedule;

/// <summary>
/// What is known of a pool's mail that was passed over, for as long as it waits: its ticket may be let go while the lane waits for long,
/// and who reads it again must not ask the same account once more. Bounded; what has no place is asked again. Pure.
/// </summary>
internal sealed class PassedNotes
{
    private const int Most = 1_024;

    private readonly Dictionary<TicketName, PassedOver> _notes = [];

    public void Keep(in QueuedMail ticket, long now)
    {
        if (ticket.Passed is not { } passed)
            return;
        if (_notes.Count >= Most)
        {
            foreach (var (name, note) in _notes)
            {
                if (!note.Holds(now))
                    _notes.Remove(name);
            }
        }

        if (_notes.Count < Most)
            _notes[TicketName.Of(ticket)] = passed;
    }

    /// <summary>The ticket with what is known of it.</summary>
    public QueuedMail With(in QueuedMail ticket) =>
        _notes.Count > 0 && _notes.TryGetValue(TicketName.Of(ticket), out var passed) ? ticket with { Passed = passed } : ticket;

    /// <summary>The ticket leaves its lane.</summary>
    public void Forget(in QueuedMail ticket)
    {
        if (_notes.Count > 0)
            _notes.Remove(TicketName.Of(ticket));
    }
}
