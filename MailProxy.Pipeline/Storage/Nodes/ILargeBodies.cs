using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>
/// Where bodies that are too large for a row are kept for every node. Each has its file in the spool of the node that took it; others fetch
/// a copy when they need it.
/// </summary>
public interface ILargeBodies
{
    /// <summary>Keeps a file that was written and synced, before the row that names it is committed. Throws <see
    /// cref="IOException"/> when it cannot be kept; then nothing of it is.</summary>
    Task PutAsync(string name, string path);

    /// <summary>Writes a copy to this path. False: nothing of this name is kept. Throws <see
    /// cref="Disk.StoreUnavailableException"/>.</summary>
    Task<bool> FetchAsync(string name, string path);

    /// <summary>The octets, read by the turn that asks; null: nothing of this name is kept, or not all of it.</summary>
    internal byte[]? Read(Session session, string name);

    /// <summary>No row names it any more. What cannot be removed now is removed by a sweep.</summary>
    void Delete(string name);
}
