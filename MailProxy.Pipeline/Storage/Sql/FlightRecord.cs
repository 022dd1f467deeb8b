using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>One attempt, as its mark is kept.</summary>
/// <param name="Verdicts">With <see cref="FlightPhase.Answered"/> only; without addresses, which the store has.</param>
internal sealed record FlightRecord(FlightPhase Phase, Mark Mark, IReadOnlyList<RecipientVerdict> Verdicts)
{
    public QueuedMail Ticket => Mark.Ticket;
}
