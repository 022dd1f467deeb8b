using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace MailProxy.Tests.Storage;

/// <summary>A message store on real storage, and a look at what it wrote. One for each database that the contract runs against.</summary>
internal abstract class StoreBench : IDisposable
{
    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public long Now => Clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>What a start finds: of a database that nodes share, also what the last one left of every lane.</summary>
    public virtual Task<Recovery> RecoverAsync(long now) => Store.RecoverAsync(now);

    public abstract IMessageStore Store { get; }

    /// <summary>The marks of the store.</summary>
    public abstract IMarks Marks { get; }

    /// <summary>Attempts whose marks the store still keeps.</summary>
    public abstract int Unsettled { get; }

    /// <summary>Whether a start knows how far each attempt had come; else each that was marked is in doubt.</summary>
    public abstract bool KnowsPhases { get; }

    public abstract IDeliveryLog Log { get; protected set; }

    public abstract IConfigurationStore Configuration { get; }

    public abstract IRetentionStore Retention { get; protected set; }

    public abstract IErasure Erasure { get; }

    public abstract IDestinationUses Destinations { get; }

    public abstract IMessageQueries Queries { get; }

    public abstract ICompatStore Compat { get; }

    public abstract IOperationStore Operations { get; }

    public abstract ITenantRemoval Removal { get; }

    public abstract IBatchStore Batches { get; }

    public abstract IAuditLog AuditLog { get; }

    public abstract ICircuitStore Circuits { get; }

    public abstract IRefreshTokens Tokens { get; }

    public abstract IPageKeys PageKeys { get; }

    public abstract ISecretWarnings Warnings { get; }

    public abstract ISuppressionStore Suppressions { get; }

    public abstract IKeyUseStore KeyUses { get; }

    /// <summary>The processes that share the store.</summary>
    public abstract INodes Nodes { get; }

    /// <summary>Opened anew after a crash.</summary>
    public abstract ISendingStore Sending { get; }

    public abstract SpoolFiles Spool { get; }

    /// <summary>What seals secrets in the store.</summary>
    public MasterKey Key { get; } = MasterKey.Generate();

    /// <summary>What is kept of links, opened.</summary>
    /// <param name="keys">The master keys that there are; none: <see cref="Key"/>.</param>
    public abstract Task<ILinkStore> OpenLinksAsync(params MasterKey[] keys);

    /// <summary>As a first start does.</summary>
    public abstract Task EnsureSandboxAsync();

    /// <summary>Messages in any state, without having been through the stages; their numbers.</summary>
    public abstract Task<List<long>> SeedAsync(IEnumerable<SeedMessage> seeds);

    /// <summary>Appends an event to the log, as a stage does with what it settles.</summary>
    public abstract Task AppendEventAsync(long message, NewEvent e, long at);

    /// <summary>What only faults leave.</summary>
    public abstract StoreDamage Damage { get; }

    /// <summary>The store cannot write from now on, until it is mended.</summary>
    public abstract Task BreakAsync();

    public abstract void Mend();

    /// <summary>Whether it knows that it cannot write.</summary>
    public abstract bool IsInTrouble { get; }

    /// <summary>What the store is given to tell the content hash of an id that was made here.</summary>
    public static byte[]? Hash(ReadOnlyMemory<byte> json) => System.Security.Cryptography.SHA256.HashData(json.Span);

    /// <summary>Goes on with exactly what is on disk now, as after a crash.</summary>
    public abstract void Crash();

    public abstract StoredLook? Look(string id, string tenant = "default");

    /// <summary>The audit log, oldest first.</summary>
    public abstract IReadOnlyList<AuditEntry> Audit();

    /// <summary>How many rows a table has.</summary>
    public abstract long Count(string table);

    /// <summary>Whether these bytes stand anywhere in what is on disk once everything has been carried there.</summary>
    public abstract Task<bool> LeftAsync(string text);

    /// <summary>Takes the body away, as retention does.</summary>
    public abstract Task PurgeBodyAsync(string id);

    public abstract IReadOnlyList<string> SpoolNames();

    /// <summary>What holds of every store that works, whatever a test did to it.</summary>
    public abstract Task CheckAsync();

    public abstract void Dispose();
}

/// <summary>A message as the tables have it. <see cref="Queue"/> is null when it is final.</summary>
internal sealed record StoredLook(
    long Number,
    MessageState State,
    int Revision,
    AccountKey Account,
    int Attempts,
    int Sequence,
    long CreatedAt,
    long? SendAt,
    long ExpiresAt,
    bool PossibleDuplicate,
    string? HoldReason,
    string? Json,
    QueueLook? Queue,
    IReadOnlyList<RecipientLook> Recipients,
    IReadOnlyList<EventLook> Events
)
{
    public IEnumerable<EventType> EventTypes => Events.Select(e => e.Type);
}

internal sealed record QueueLook(int State, long Due, int Revision, int Attempt, int Round, int Recipients, long ExpiresAt);

internal sealed record RecipientLook(string Address, RecipientState State, int Rounds, int? SmtpCode, string? EnhancedCode, string? Reply);

internal sealed record EventLook(int Sequence, EventType Type, MessageState Status, int Attempt, string? Detail);
