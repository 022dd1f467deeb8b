using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Storage;

/// <summary>The circuits of accounts in trouble, so that a start does not begin with all mail at once.</summary>
public interface ICircuitStore
{
    /// <summary>Every one that is not closed; what cannot be read is left out.</summary>
    Task<IReadOnlyList<Circuit>> AllAsync();

    /// <summary>Keeps the circuit of each account; null: it is closed. Nothing is kept of an account that is gone.</summary>
    Task SaveAsync(IReadOnlyCollection<KeyValuePair<AccountKey, Circuit?>> changed);
}
