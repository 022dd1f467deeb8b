using System.Net;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Tests.Storage.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

internal sealed class AccountChangesTests
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

    private TemporaryStore _store = null!;
    private CurrentAccounts _current = null!;
    private AccountChanges _changes = null!;

    [SetUp]
    public void Open()
    {
        _store = new();
        _current = new();
        _changes = new(SqliteAccountStore.Open(_store.Database, _store.Box, TimeProvider.System), _current, new());
    }

    [TearDown]
    public void Remove()
    {
        _changes.Dispose();
        _store.Dispose();
    }

    [Test]
    public async Task Put_NewAccount_IsInForceWhenItReturns()
    {
        var raised = 0;
        _current.Changed += () => raised++;
        Assert.That(await _changes.PutAsync(Relay, "ann"), Is.True);
        Assert.Multiple(() =>
        {
            Assert.That(_current.Directory.Find("default", "relay")?.Host, Is.EqualTo("smtp.example.com"));
            Assert.That(raised, Is.EqualTo(1));
        });
    }

    [Test]
    public async Task SetPaused_Account_IsInForceWhenItReturns()
    {
        await _changes.PutAsync(Relay, "ann");
        await _changes.SetPausedAsync("default", "relay", true, "ann");
        Assert.That(_current.Directory.Find("default", "relay")?.Paused, Is.True);
    }

    [Test]
    public async Task Delete_Account_IsGoneWhenItReturns()
    {
        await _changes.PutAsync(Relay, "ann");
        Assert.That(await _changes.DeleteAsync("default", "relay", "ann"), Is.EqualTo(DeleteResult.Deleted));
        Assert.That(_current.Directory.All, Is.Empty);
    }

    [Test]
    public async Task SandboxListens_LaterChanges_KeepTheEndpoint()
    {
        var endpoint = new IPEndPoint(IPAddress.Loopback, 2525);
        await _changes.SandboxListensAsync(endpoint);
        Assert.That(_current.Directory.Sandbox, Is.EqualTo(endpoint));
        await _changes.PutAsync(Relay, "ann");
        Assert.That(_current.Directory.Sandbox, Is.EqualTo(endpoint));
    }

    [Test]
    public async Task Put_ManyAtOnce_TheLastReadingHasThemAll()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => _changes.PutAsync(Relay with { Id = $"relay{i}" }, "ann"))))
            .WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(_current.Directory.All, Has.Count.EqualTo(20));
    }

    [Test]
    public async Task Load_StoreHasAccounts_PutsThemInForce()
    {
        await _changes.PutAsync(Relay, "ann");
        var current = new CurrentAccounts();
        using var later = new AccountChanges(SqliteAccountStore.Open(_store.Database, _store.Box, TimeProvider.System), current, new());
        await later.LoadAsync();
        Assert.That(current.Directory.Find("default", "relay"), Is.Not.Null);
    }
}
