using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>The addresses and domains that tenants' mail does not go to.</summary>
public interface ISuppressionStore
{
    /// <summary>Puts an entry. True: there was none of its target.</summary>
    Task<bool> PutAsync(Suppression entry, string actor);

    /// <summary>Puts many entries in one commit; how many are new. The audit log is told once, by <see cref="ImportedAsync"/>.</summary>
    Task<int> ImportAsync(IReadOnlyList<Suppression> entries);

    /// <summary>Tells the audit log of a whole import.</summary>
    Task ImportedAsync(string tenant, int added, int replaced, string actor);

    /// <summary>False: there was none.</summary>
    Task<bool> DeleteAsync(string tenant, string target, string actor);

    Task<Suppression?> FindAsync(string tenant, string target);

    /// <summary>Entries by target, up to <paramref name="limit"/> after <paramref name="after"/>.</summary>
    /// <param name="source">Null: of every source.</param>
    Task<IReadOnlyList<Suppression>> ListAsync(string tenant, SuppressionSource? source, string after, int limit);
}
