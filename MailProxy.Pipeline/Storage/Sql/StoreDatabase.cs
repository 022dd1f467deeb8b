using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Telemetry;

namespace MailProxy.Pipeline.Storage.Sql;

/// <summary>A database that holds a store: who writes it, who reads it, and what is known of it in memory.</summary>
public abstract class StoreDatabase : IDisposable
{
    /// <summary>The generations of the store, and the names that they give.</summary>
    public abstract StoreGenerations Generations { get; }

    /// <summary>Faults when the writer ended because of a bug; the host must then exit with a failure.</summary>
    public virtual Task Completion => Writer.Completion;

    /// <summary>Completes when the writer has finished one more turn, even while it cannot write; faults when it has ended.</summary>
    public Task BeatAsync() => Writer.BeatAsync();

    internal abstract CommitLoop Writer { get; }

    internal abstract StoreReaders Readers { get; }

    /// <summary>What the stages read by, so that nobody who lists or searches keeps them waiting.</summary>
    internal virtual StoreReaders StageReaders => Readers;

    internal abstract EventSignal Events { get; }

    /// <summary>How much mail waits.</summary>
    internal abstract IWaitingTally Counts { get; }

    /// <summary>Whom tenants' mail must not go to.</summary>
    internal abstract SuppressionRows Suppressions { get; }

    /// <summary>The traces that messages belong to.</summary>
    internal abstract TraceRows Traces { get; }

    /// <summary>Which tickets are out, and how far their attempts have come.</summary>
    internal abstract Claims Claims { get; }

    internal abstract PipelineHealth Health { get; }

    /// <summary>The processes that share the store.</summary>
    public virtual INodes Nodes { get; } = new SoleNodes();

    /// <summary>Where large bodies are kept for other nodes; null: nowhere.</summary>
    public virtual ILargeBodies? LargeBodies => null;

    /// <summary>Where nodes keep the requests that they have answered; null: there is one node only.</summary>
    public virtual IRequestStore? Requests => null;

    /// <summary>
    /// Lets the other nodes know the master keys that this one has. Throws <see cref="StoreRefusedException"/> when what one of them seals
    /// could not be opened by the other.
    /// </summary>
    internal virtual Task AgreeOnKeysAsync(SecretBox box) => Task.CompletedTask;

    /// <summary>Removes what was kept of large bodies that no row names.</summary>
    internal virtual void SweepLargeBodies() { }

    /// <summary>Takes over the attempts of other nodes that have ended, in these lanes. Before anything of them is claimed.</summary>
    internal virtual Task<IReadOnlyList<FlightRecord>> TakeOverAsync(IReadOnlyCollection<LaneKey> lanes) =>
        Task.FromResult<IReadOnlyList<FlightRecord>>([]);

    /// <summary>Lanes with waiting mail, and when the earliest of it is due (0: now).</summary>
    internal virtual IReadOnlyList<(LaneKey Lane, long Due)> Lanes(Session session) => LaneReader.Lanes(session);

    /// <summary>Something was erased: what the database keeps of older rows is let go as soon as it can be.</summary>
    internal abstract void ForgetOld();

    /// <summary>Returns a part of the free space to the file system. False when there is not enough to be worth it.</summary>
    /// <param name="busy">Whether others are writing, and will use most of the space again.</param>
    internal abstract Task<bool> ReclaimAsync(bool busy);

    public abstract void Dispose();
}
