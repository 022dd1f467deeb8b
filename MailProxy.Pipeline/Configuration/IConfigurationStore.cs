namespace MailProxy.Pipeline.Configuration;

/// <summary>
/// Where what is configured is kept, of every noun. Secrets are encrypted by the implementation, and every change has its row in the audit
/// log.
/// </summary>
public interface IConfigurationStore
{
    /// <summary>All resources of a noun, secrets opened, by tenant and id. Throws <see cref="UnreadableResourceException"/> for a row that
    /// cannot be read, unless the noun lets that spoil the one resource only.</summary>
    Task<IReadOnlyList<Resource<T>>> ReadAsync<T>(Noun<T> noun)
        where T : class;

    /// <summary>Creates or replaces, secrets too.</summary>
    /// <param name="resource">Its version is the one that its value was made from; 0: there was none. The store gives the next.</param>
    /// <param name="action">What the audit log calls it, without the noun; null: <c>create</c> or <c>replace</c>.</param>
    /// <returns>The resource as it is now; null: it is not in that version any more, and nothing was changed.</returns>
    Task<Resource<T>?> PutAsync<T>(Noun<T> noun, Resource<T> resource, string actor, string? action = null)
        where T : class;

    /// <param name="version">The version that is to be deleted.</param>
    Task<DeleteResult> DeleteAsync<T>(Noun<T> noun, string tenant, string id, long version, string actor)
        where T : class;
}

/// <summary>A stored row that this program cannot read.</summary>
public sealed class UnreadableResourceException(string message) : Exception(message);
