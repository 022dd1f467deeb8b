using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>A store that one process has for itself.</summary>
public sealed class SoleNodes : INodes
{
    private static readonly SoleNode Sole = new();

    public event Action? Changed
    {
        add { }
        remove { }
    }

    public event Action<long>? ConfigurationChanged
    {
        add { }
        remove { }
    }

    public event Action<NodeRequest>? Asked
    {
        add { }
        remove { }
    }

    public event Action<LaneKey, long>? LaneDue
    {
        add { }
        remove { }
    }

    public event Action? Missed
    {
        add { }
        remove { }
    }

    public bool IsShared => false;

    public long Me => 0;

    public IReadOnlyList<NodeRow> Alive => [];

    public IReadOnlyDictionary<long, int> LanesOf => new Dictionary<long, int>();

    public long HouseKeeper => 0;

    public long Configured => 0;

    public LeaseView Now => Sole;

    public Task<long> ConfigurationAsync() => Task.FromResult(0L);

    public void IsInForce(long version) { }

    public Task<IReadOnlyList<string>> EverywhereAsync(TimeSpan within) => Task.FromResult<IReadOnlyList<string>>([]);

    public void WakeHolder(LaneKey lane, long due) { }

    public void Ask(NodeRequest request) { }

    public void Begin(Func<LaneUnits> units, Func<IReadOnlyCollection<LaneKey>, Task> takeOver, Func<LaneKey, bool> isWritten) { }

    public void Look() { }

    public void Leave() { }
}
