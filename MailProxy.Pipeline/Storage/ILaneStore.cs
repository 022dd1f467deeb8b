using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>The store as nodes use it that pass lanes to each other.</summary>
public interface ILaneStore
{
    /// <summary>
    /// Ends what another node left open in these lanes, as <see cref="IMessageStore.RecoverAsync"/> does at the start. Their limits' uses
    /// are those of all keys. Before anything of them is claimed.
    /// </summary>
    Task<Recovery> TakeOverAsync(IReadOnlyCollection<LaneKey> lanes, long now);

    /// <summary>Lanes with waiting mail, and when the earliest of it is due (0: now).</summary>
    Task<IReadOnlyList<(LaneKey Lane, long Due)>> LanesAsync();

    /// <summary>Removes what is kept of bodies whose rows are gone: copies here, and what was never committed.</summary>
    Task SweepBodiesAsync();
}
