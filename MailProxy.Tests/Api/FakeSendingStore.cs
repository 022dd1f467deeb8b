using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>What is stored of sending as a whole, in memory.</summary>
internal sealed class FakeSendingStore : ISendingStore
{
    private readonly Dictionary<AccountKey, string> _names = [];

    public bool Suspended { get; private set; }

    public Task<bool> SuspendedAsync() => Task.FromResult(Suspended);

    public Task SetSuspendedAsync(bool suspended, string actor)
    {
        Suspended = suspended;
        return Task.CompletedTask;
    }

    public string? NameOf(AccountKey account) => _names.GetValueOrDefault(account);

    public void Learn(IEnumerable<SmtpAccount> accounts)
    {
        foreach (var account in accounts)
            _names[account.Key] = account.Id;
    }
}
