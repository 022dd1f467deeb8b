namespace MailProxy.Pipeline.Storage.Backups;

/// <summary>
/// How far a store has come: its generations, the last event, and the last change by a person as numbered in the audit log. Comparing two
/// histories tells whether one store has everything that the other has.
/// </summary>
public sealed record StoreHistory(IReadOnlyList<StoreLife> Lives, long LastEvent, long LastAudit)
{
    /// <summary>Whether nothing has ever happened in the store.</summary>
    public bool IsEmpty => LastEvent == 0 && LastAudit == 0;

    /// <summary>Whether this store has everything that happened in the other.</summary>
    public bool Contains(StoreHistory other)
    {
        if (other.IsEmpty)
            return true;
        var theirs = other.Lives[^1].Id;
        for (var i = 0; i < Lives.Count; i++)
        {
            if (Lives[i].Id != theirs)
                continue;
            var (events, audits) =
                i + 1 < Lives.Count ? (Lives[i + 1].FirstEvent - 1, Lives[i + 1].FirstAudit - 1) : (LastEvent, LastAudit);
            return other.LastEvent <= events && other.LastAudit <= audits;
        }

        return false;
    }
}

/// <param name="Id">The generation's id, in hexadecimal digits.</param>
public sealed record StoreLife(string Id, long FirstEvent, long FirstAudit);
