using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sqlite.Flight;

/// <summary>One attempt, as the flight log keeps it.</summary>
/// <param name="Verdicts">With <see cref="FlightPhase.Answered"/> only; without addresses, which the store has.</param>
internal sealed record FlightRecord(FlightPhase Phase, Mark Mark, IReadOnlyList<RecipientVerdict> Verdicts)
{
    public QueuedMail Ticket => Mark.Ticket;
}
