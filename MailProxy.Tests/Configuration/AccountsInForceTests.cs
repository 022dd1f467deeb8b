using System.Net;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Accounts;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

internal sealed class AccountsInForceTests
{
    private static readonly SmtpAccount Relay = new()
    {
        Key = default,
        Tenant = "default",
        Id = "relay",
        Version = 0,
        Host = "smtp.example.com",
        Port = 25,
    };

    private static readonly SmtpAccount Catcher = new()
    {
        Key = default,
        Tenant = "default",
        Id = "sandbox",
        Version = 0,
        Sandbox = true,
    };

    private TemporaryStore _store = null!;
    private CurrentAccounts _current = null!;
    private CurrentTenants _tenants = null!;
    private AccountsInForce _inForce = null!;
    private ConfigurationTurn _turn = null!;
    private LogRecorder _log = null!;
    private ConfigurationWriter<SmtpAccount> _writer = null!;

    [SetUp]
    public void Open()
    {
        (_store, _current, _tenants, _turn, _log) = (new(), new(), new(), new(), new());
        _inForce = new(_current, _tenants, _log);
        _writer = new(
            AccountFields.Noun,
            new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System),
            _turn,
            _inForce.Swap
        );
    }

    [TearDown]
    public void Remove()
    {
        _turn.Dispose();
        _store.Dispose();
    }

    [Test]
    public async Task Put_NewAccount_IsInForceWhenItReturns()
    {
        var raised = 0;
        _current.Changed += () => raised++;
        Assert.That((await PutAsync(Relay)).Result, Is.EqualTo(WriteResult.Created));
        Assert.Multiple(() =>
        {
            Assert.That(_current.Directory.Find("default", "relay")?.Host, Is.EqualTo("smtp.example.com"));
            Assert.That(raised, Is.EqualTo(1));
        });
    }

    [Test]
    public async Task Put_Paused_IsInForceWhenItReturns()
    {
        await PutAsync(Relay);
        await PutAsync(Relay with { Paused = true });
        Assert.That(_current.Directory.Find("default", "relay")?.Paused, Is.True);
    }

    [Test]
    public async Task Put_Again_IsTheSameKeyInAHigherVersion()
    {
        var first = (await PutAsync(Relay)).After!.Value!;
        await PutAsync(Relay with { Host = "other.example.com" });
        var second = _current.Directory.Find(first.Key)!;
        Assert.That((second.Host, second.Version), Is.EqualTo(("other.example.com", first.Version + 1)));
    }

    [Test]
    public async Task Delete_Account_IsGoneWhenItReturns()
    {
        await PutAsync(Relay);
        Assert.That(await DeleteAsync("relay"), Is.EqualTo(DeleteResult.Deleted));
        Assert.That(_current.Directory.All, Is.Empty);
    }

    [Test]
    public async Task SandboxListens_LaterChanges_KeepTheEndpoint()
    {
        var endpoint = new IPEndPoint(IPAddress.Loopback, 2525);
        _inForce.Sandbox = endpoint;
        await _writer.LoadAsync();
        Assert.That(_current.Directory.Sandbox, Is.EqualTo(endpoint));
        await PutAsync(Relay);
        Assert.That(_current.Directory.Sandbox, Is.EqualTo(endpoint));
    }

    [Test]
    public async Task Put_ManyAtOnce_TheLastReadingHasThemAll()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => PutAsync(Relay with { Id = $"relay{i}" }))))
            .WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(_current.Directory.All, Has.Count.EqualTo(20));
    }

    [Test]
    public async Task Load_StoreHasAccounts_PutsThemInForceAndTellsNothing()
    {
        await PutAsync(Relay);
        var (current, log) = (new CurrentAccounts(), new LogRecorder());
        using var turn = new ConfigurationTurn();
        var later = new ConfigurationWriter<SmtpAccount>(
            AccountFields.Noun,
            new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System),
            turn,
            new AccountsInForce(current, _tenants, log).Swap
        );
        await later.LoadAsync();
        Assert.That(current.Directory.Find("default", "relay"), Is.Not.Null);
        Assert.That(log.Lines, Is.Empty);
    }

    [Test]
    public async Task Reload_TenantIsSuspended_ItsAccountsWait()
    {
        await PutAsync(Relay);
        _tenants.Swap(
            new([
                new()
                {
                    Id = "default",
                    Name = "default",
                    Active = false,
                },
            ])
        );
        await _writer.LoadAsync();
        Assert.That(_current.Directory.Find("default", "relay")?.TenantSuspended, Is.True);
    }

    [Test]
    public async Task Changes_OfTheAccountThatMailWithoutOneGoesBy_AreEachToldOnce()
    {
        await _writer.LoadAsync();
        await PutAsync(Catcher);
        await PutAsync(Relay);
        await PutAsync(Relay with { Paused = true });
        await _writer.LoadAsync();
        await PutAsync(Catcher with { Sandbox = false, Host = "b", Port = 25 });
        await DeleteAsync("sandbox");
        Assert.That(
            _log.Lines.Select(line => line.Text[(line.Text.IndexOf("account", StringComparison.Ordinal) + 8)..].TrimEnd()),
            Is.EqualTo([
                "goes through the account sandbox from now on",
                "goes through the account relay from now on, and no longer into the sandbox",
                "is refused from now on (account_required): the tenant has no account, or several and no default_account",
                "goes through the account relay from now on",
            ])
        );
    }

    [Test]
    public async Task Delete_WithItsTenant_IsNotTold()
    {
        await PutAsync(Relay);
        _tenants.Swap(new([]));
        await DeleteAsync("relay");
        Assert.That(_current.Directory.All, Is.Empty);
        Assert.That(_log.Lines, Is.Empty);
    }

    private Task<Written<SmtpAccount>> PutAsync(SmtpAccount account) =>
        _writer.PutAsync(account.Tenant, account.Id, static _ => true, _ => new(account), "ann");

    private Task<DeleteResult> DeleteAsync(string id) => _writer.DeleteAsync("default", id, static _ => true, static _ => true, "ann");
}
