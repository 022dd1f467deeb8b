using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>The nodes that share a store, as this one sees them. From any thread.</summary>
public interface INodes : ILeases
{
    /// <summary>Whether there can be others.</summary>
    bool IsShared { get; }

    /// <summary>This node's session; 0: it is the only one there can be.</summary>
    long Me { get; }

    /// <summary>Those that live, this one among them.</summary>
    IReadOnlyList<NodeRow> Alive { get; }

    /// <summary>How many lanes each session sends for.</summary>
    IReadOnlyDictionary<long, int> LanesOf { get; }

    /// <summary>The session that keeps house; 0: none does at the moment.</summary>
    long HouseKeeper { get; }

    /// <summary>The version of what is configured, as this node last saw it in the store.</summary>
    long Configured { get; }

    /// <summary>Raised when another node has changed what is configured; answered by <see cref="IsInForce"/>.</summary>
    event Action<long>? ConfigurationChanged;

    /// <summary>Another node asks all to do something.</summary>
    event Action<NodeRequest>? Asked;

    /// <summary>Another node has stored mail of a lane that this one sends for, due then (0: now).</summary>
    event Action<LaneKey, long>? LaneDue;

    /// <summary>News of other nodes may have been missed: what is waiting is to be read from the store.</summary>
    event Action? Missed;

    /// <summary>The version of what is configured, as it is stored now.</summary>
    Task<long> ConfigurationAsync();

    /// <summary>Everything of this version of the configuration is in force here.</summary>
    void IsInForce(long version);

    /// <summary>Waits until what is configured now is in force at every node. The names of those that have not answered in time.</summary>
    Task<IReadOnlyList<string>> EverywhereAsync(TimeSpan within);

    /// <summary>Asks all other nodes to do something.</summary>
    void Ask(NodeRequest request);

    /// <summary>From now on this node takes lanes over, one call after the other.</summary>
    /// <param name="units">What must be sent for by one node.</param>
    /// <param name="takeOver">Settles what another node left of these lanes, before the first of their mail is chosen.</param>
    /// <param name="isWritten">Whether the store knows all that the next node needs to know of a lane: else it is not given up yet.</param>
    void Begin(Func<LaneUnits> units, Func<IReadOnlyCollection<LaneKey>, Task> takeOver, Func<LaneKey, bool> isWritten);

    /// <summary>Looks at once whether another node should hold a lane: one is new, or is gone.</summary>
    void Look();

    /// <summary>This node begins nothing new, and gives up each lane as soon as nothing of it is under way.</summary>
    void Leave();
}

/// <summary>Something that each node does for itself.</summary>
/// <param name="What">A word that all versions know, or leave alone.</param>
/// <param name="Tenant">Whose; null: everybody's, or of no matter.</param>
/// <param name="Account">Which account; 0: of no matter.</param>
/// <param name="By">What asks for it, as an event tells it.</param>
public sealed record NodeRequest(string What, string? Tenant = null, int Account = 0, string? By = null)
{
    public const string RunNow = "run_now";
    public const string ProbeNow = "probe_now";
    public const string ReportNow = "report_now";
    public const string ResetCircuit = "reset_circuit";
    public const string ResetAdapted = "reset_adapted";
    public const string Operation = "operation";
    public const string Circuits = "circuits";
    public const string ForgetContent = "forget_content";
}
