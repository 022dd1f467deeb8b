namespace MailProxy.Pipeline.Accounts;

/// <summary>Notes when keys were used. A use is no change of the key: it has no version and no entry in the audit log.</summary>
public interface IKeyUseStore
{
    /// <param name="at">Unix milliseconds; an earlier use than the noted one changes nothing, nor does a use of a deleted key.</param>
    Task NoteUseAsync(string tenant, string id, long at);
}
