using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Configuration;

/// <summary>
/// Changes the resources of one noun and puts what the store then has in force, so that a change acts at once. One change at a time, of
/// all nouns: each reads what is there, decides, and writes; an older reading never overwrites a newer one.
/// </summary>
/// <param name="swap">Puts a snapshot in force.</param>
/// <param name="then">What must be read anew after a change, in the same turn.</param>
public sealed partial class ConfigurationWriter<T>(
    Noun<T> noun,
    IConfigurationStore store,
    ConfigurationTurn turn,
    Action<Snapshot<T>> swap,
    ILogger? logger = null,
    Func<Task>? then = null
)
    where T : class
{
    // The versions of unreadable rows that the log has told of.
    private readonly HashSet<(string Tenant, string Id, long Version)> _told = [];

    private Snapshot<T> _snapshot = Snapshot<T>.Empty;

    public Snapshot<T> Snapshot => Volatile.Read(ref _snapshot);

    /// <summary>Reads everything from the store. Throws what <see cref="IConfigurationStore.ReadAsync"/> throws.</summary>
    public async Task LoadAsync()
    {
        using var mine = await turn.TakeAsync();
        await ReloadAsync();
    }

    /// <summary>As <see cref="LoadAsync"/>, for somebody who has the turn.</summary>
    public async Task ReloadAsync()
    {
        var snapshot = new Snapshot<T>(await store.ReadAsync(noun));
        foreach (var resource in snapshot.All)
        {
            if (resource.Damage is { } damage && logger is not null && _told.Add((resource.Tenant, resource.Id, resource.Version)))
                Log.Unreadable(logger, noun.Name, resource.ToString(), damage);
        }

        await SwapAsync(snapshot);
    }

    private async Task SwapAsync(Snapshot<T> snapshot)
    {
        Volatile.Write(ref _snapshot, snapshot);
        swap(snapshot);
        if (then is not null)
            await then();
    }

    /// <summary>Creates or replaces a resource.</summary>
    /// <param name="expected">Whether the version that is there (0: none) is the one that the change is meant for.</param>
    /// <param name="decide">What is put over what is there; null: nothing; what is there itself: it stays as it is. Asked again when
    /// another writer of the store was faster.</param>
    /// <param name="action">What the audit log calls it; null: creating or replacing.</param>
    public async Task<Written<T>> PutAsync(
        string tenant,
        string id,
        Func<long, bool> expected,
        Func<Resource<T>?, ValueTask<T?>> decide,
        string actor,
        CancellationToken cancel = default,
        string? action = null
    )
    {
        using var mine = await turn.TakeAsync(cancel);
        while (true)
        {
            var before = Snapshot.Find(tenant, id);
            var version = before?.Version ?? 0;
            if (!expected(version))
                return new(WriteResult.Changed, before, before);
            if (await decide(before) is not { } value)
                return new(WriteResult.Refused, before, before);
            if (ReferenceEquals(value, before?.Value))
                return new(WriteResult.Unchanged, before, before);

            if (await store.PutAsync(noun, new(tenant, id, version, value), actor, action) is { } after)
            {
                // What else is there was read before: with thousands of resources, reading all would take longer than the change.
                await SwapAsync(Snapshot.With(after));
                return new(version == 0 ? WriteResult.Created : WriteResult.Replaced, before, after);
            }

            await ReloadAsync();
        }
    }

    /// <param name="allowed">Whether what is there may be deleted, asked in the same turn.</param>
    public async Task<DeleteResult> DeleteAsync(
        string tenant,
        string id,
        Func<long, bool> expected,
        Func<Resource<T>, bool> allowed,
        string actor,
        CancellationToken cancel = default
    )
    {
        using var mine = await turn.TakeAsync(cancel);
        while (true)
        {
            if (Snapshot.Find(tenant, id) is not { } before)
                return DeleteResult.NotFound;
            if (!allowed(before))
                return DeleteResult.Refused;
            if (!expected(before.Version))
                return DeleteResult.Changed;
            var result = await store.DeleteAsync(noun, tenant, id, before.Version, actor);
            if (result == DeleteResult.Deleted)
                await SwapAsync(Snapshot.Without(before));
            else if (result is DeleteResult.Changed or DeleteResult.NotFound)
                await ReloadAsync();
            if (result != DeleteResult.Changed)
                return result;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            763,
            LogLevel.Error,
            "The stored {Noun} {Resource} cannot be read and is not used: {Damage} Put it again, or delete it"
        )]
        public static partial void Unreadable(ILogger logger, string noun, string resource, string damage);
    }
}

/// <summary>What became of a change.</summary>
/// <param name="Before">What was there; null: nothing.</param>
/// <param name="After">What is there now.</param>
public readonly record struct Written<T>(WriteResult Result, Resource<T>? Before, Resource<T>? After)
    where T : class;

public enum WriteResult : byte
{
    Created = 0,
    Replaced = 1,

    /// <summary>What is there is not what the change was meant for.</summary>
    Changed = 2,

    /// <summary>Whoever decides refused it.</summary>
    Refused = 3,

    /// <summary>Whoever decides left it as it was.</summary>
    Unchanged = 4,
}
