using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

/// <summary>What this node does, and what another one, when several share a store. From any thread.</summary>
public interface ILeases
{
    /// <summary>Raised after <see cref="Now"/> has changed.</summary>
    event Action? Changed;

    LeaseView Now { get; }

    /// <summary>Whether the others know that this node lives; else they may be doing already what <see cref="Now"/> says of it.</summary>
    bool IsInTouch => true;

    /// <summary>The store has mail in a lane that another node sends for, due then (0: now).</summary>
    void WakeHolder(LaneKey lane, long due);
}

/// <summary>Who does what, as of a moment.</summary>
public abstract class LeaseView
{
    /// <summary>Whether this node does what one does for all: it tells webhooks, forgets what is old, and runs operations.</summary>
    public abstract bool KeepsHouse { get; }

    /// <summary>Whether this node may choose mail of the lane.</summary>
    public abstract bool Holds(LaneKey lane);

    /// <summary>The name of the other node that sends the lane's mail; null: this one does, or nobody at the moment.</summary>
    public abstract string? HolderOf(LaneKey lane);
}

/// <summary>The only node there is.</summary>
public sealed class SoleNode : LeaseView, ILeases
{
    public event Action? Changed
    {
        add { }
        remove { }
    }

    public LeaseView Now => this;

    public override bool KeepsHouse => true;

    public override bool Holds(LaneKey lane) => true;

    public override string? HolderOf(LaneKey lane) => null;

    public void WakeHolder(LaneKey lane, long due) { }
}
