using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>What became of a wish to unsubscribe.</summary>
public enum Unsubscribing : byte
{
    /// <summary>There is no such tenant any more.</summary>
    Unknown,

    /// <summary>That was done before.</summary>
    Again,

    Done,
}

/// <summary>The addresses and domains that tenants' mail does not go to.</summary>
public interface ISuppressionStore
{
    /// <summary>Puts an entry. True: there was none of its target; null: there is no such tenant, and nothing is put.</summary>
    Task<bool?> PutAsync(Suppression entry, string actor);

    /// <summary>
    /// Puts many entries of one tenant in one commit; how many are new. Null: there is no such tenant, and nothing is put. The audit log
    /// is told once, by <see cref="ImportedAsync"/>.
    /// </summary>
    Task<int?> ImportAsync(IReadOnlyList<Suppression> entries);

    /// <summary>
    /// Suppresses the recipient for good and tells <c>message.unsubscribed</c>, in one commit; writes nothing when that was done before.
    /// A message whose record is gone, or a recipient that was erased, is suppressed all the same.
    /// </summary>
    Task<Unsubscribing> UnsubscribeAsync(UnsubscribeLink link);

    /// <summary>How many entries a tenant has, counted up to <paramref name="most"/>.</summary>
    Task<int> CountAsync(string tenant, int most);

    /// <summary>Tells the audit log of a whole import.</summary>
    Task ImportedAsync(string tenant, int added, int replaced, string actor);

    /// <summary>False: there was none.</summary>
    Task<bool> DeleteAsync(string tenant, string target, string actor);

    Task<Suppression?> FindAsync(string tenant, string target);

    /// <summary>Entries by target, up to <paramref name="limit"/> after <paramref name="after"/>.</summary>
    /// <param name="source">Null: of every source.</param>
    Task<IReadOnlyList<Suppression>> ListAsync(string tenant, SuppressionSource? source, string after, int limit);
}
