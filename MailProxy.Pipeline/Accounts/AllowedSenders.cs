using System.Runtime.CompilerServices;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Accounts;

/// <summary>An account's <c>from_allowed</c>, made ready to be asked often: a question costs the same however long it is.</summary>
internal sealed class AllowedSenders
{
    // An account that was changed brings a new list; what was made of the old one goes with it.
    private static readonly ConditionalWeakTable<IReadOnlyList<string>, AllowedSenders> Ready = [];

    private readonly HashSet<string> _domains = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<Mailbox> _mailboxes = new(Mailbox.ByIdentity);

    private AllowedSenders(IReadOnlyList<string> written)
    {
        foreach (var one in written)
        {
            var domainOnly = one.StartsWith('@');
            if (Addresses.ReadBare(domainOnly ? "any" + one : one, out var pattern) is not null)
                continue;
            if (domainOnly)
                _domains.Add(pattern.Domain);
            else
                _mailboxes.Add(pattern);
        }
    }

    /// <summary>Null: the account may send from any address, or there is no account.</summary>
    public static AllowedSenders? Of(SmtpAccount? account) =>
        account is null or { FromAllowed.Count: 0 } ? null : Ready.GetValue(account.FromAllowed, static written => new(written));

    public bool Contains(Mailbox sender) => _domains.Contains(sender.Domain) || _mailboxes.Contains(sender);
}
