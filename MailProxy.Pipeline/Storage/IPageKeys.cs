namespace MailProxy.Pipeline.Storage;

/// <summary>
/// The keys that sign-ins to the page are sealed with, so that whoever has signed in is known to every node and after a restart. Sealed.
/// </summary>
public interface IPageKeys
{
    /// <summary>Every one, as it was added, the oldest first.</summary>
    Task<IReadOnlyList<string>> AllAsync();

    /// <summary>Returns after the commit; one of a name that is there already is left out.</summary>
    Task AddAsync(string name, string xml);
}
