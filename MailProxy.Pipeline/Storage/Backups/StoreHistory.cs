namespace MailProxy.Pipeline.Storage.Backups;

/// <summary>How far a store has come: its lives, and the last event and the last change that a person made, as the audit log numbers
/// them. Two of them tell whether one store has everything that the other tells.</summary>
public sealed record StoreHistory(IReadOnlyList<StoreLife> Lives, long LastEvent, long LastAudit)
{
    /// <summary>Nothing has ever happened in it.</summary>
    public bool IsEmpty => LastEvent == 0 && LastAudit == 0;

    /// <summary>Nothing that happened in the other is missing here.</summary>
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

/// <param name="Id">The generation's id, as hexadecimal digits.</param>
public sealed record StoreLife(string Id, long FirstEvent, long FirstAudit);
