using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Tests.Api;

/// <summary>Accounts in memory, with the numbers and versions that the store gives.</summary>
internal sealed class FakeAccountStore : IAccountStore
{
    private int _last;

    public List<SmtpAccount> Accounts { get; } = [];
    public HashSet<string> InUse { get; } = [];
    public bool Suspended { get; private set; }
    public Exception? Fault { get; set; }

    public Task<IReadOnlyList<SmtpAccount>> AccountsAsync() => Task.FromResult<IReadOnlyList<SmtpAccount>>([.. Accounts]);

    public Task<bool> PutAccountAsync(SmtpAccount account, string actor)
    {
        if (Fault is not null)
            return Task.FromException<bool>(Fault);
        var existing = Accounts.Find(a => a.Tenant == account.Tenant && a.Id == account.Id);
        if (existing is not null)
            Accounts.Remove(existing);
        Accounts.Add(
            account with
            {
                Key = existing?.Key ?? new(++_last),
                Version = (existing?.Version ?? 0) + 1,
                Paused = existing?.Paused ?? false,
            }
        );
        return Task.FromResult(existing is null);
    }

    public Task<DeleteResult> DeleteAccountAsync(string tenant, string id, string actor)
    {
        if (InUse.Contains(id))
            return Task.FromResult(DeleteResult.InUse);
        return Task.FromResult(
            Accounts.RemoveAll(a => a.Tenant == tenant && a.Id == id) > 0 ? DeleteResult.Deleted : DeleteResult.NotFound
        );
    }

    public Task<bool> SetPausedAsync(string tenant, string id, bool paused, string actor)
    {
        var at = Accounts.FindIndex(a => a.Tenant == tenant && a.Id == id);
        if (at >= 0)
            Accounts[at] = Accounts[at] with { Paused = paused, Version = Accounts[at].Version + 1 };
        return Task.FromResult(at >= 0);
    }

    public Task<bool> SuspendedAsync() => Task.FromResult(Suspended);

    public Task SetSuspendedAsync(bool suspended, string actor)
    {
        Suspended = suspended;
        return Task.CompletedTask;
    }

    public string? NameOf(AccountKey account) => Accounts.Find(a => a.Key == account)?.Id;
}
