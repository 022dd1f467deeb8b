using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>Refresh tokens that a server replaced: sealed, for the one that a person had set, and gone with the account.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SqliteRefreshTokensTests
{
    private readonly TemporaryStore _store = new();
    private SqlConfigurationStore _configuration = null!;
    private SqlRefreshTokens _tokens = null!;
    private AccountKey _account;

    [SetUp]
    public async Task OpenAsync()
    {
        _configuration = new(_store.Database, _store.Box, TimeProvider.System);
        _tokens = new(_store.Database, _store.Box, TimeProvider.System);
        await _configuration.PutAccountAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "main",
                Version = 0,
                Host = "smtp.example",
                Port = 587,
                Security = SmtpSecurity.StartTls,
                User = "u",
                OAuth = new()
                {
                    TokenUrl = new("https://login.example"),
                    ClientId = "c",
                    RefreshToken = "first",
                },
            },
            "test"
        );
        _account = (await _configuration.AccountsAsync()).Single().Key;
    }

    [TearDown]
    public void Close() => _store.Dispose();

    [Test]
    public async Task Find_AfterSave_GivesWhatStandsForTheGivenOne()
    {
        Assert.That(await _tokens.FindAsync(_account, "first"), Is.Null);
        await _tokens.SaveAsync(_account, "first", "r0tated-1");
        await _tokens.SaveAsync(_account, "first", "r0tated-2");
        Assert.That(await _tokens.FindAsync(_account, "first"), Is.EqualTo("r0tated-2"));
        Assert.That(await _tokens.FindAsync(_account, "another"), Is.Null, "a person has set a new one since");
        var rows = _store.Query("SELECT token FROM refresh_tokens", static row => Encoding.Latin1.GetString((byte[])row[0]));
        Assert.That(rows, Has.Count.EqualTo(1).And.None.Contains("r0tated"));
    }

    [Test]
    public async Task Save_AccountIsGone_KeepsNothing()
    {
        await _tokens.SaveAsync(_account, "first", "second");
        await _configuration.DeleteAccountAsync("default", "main", "test");
        Assert.That(await _tokens.FindAsync(_account, "first"), Is.Null);
        await _tokens.SaveAsync(_account, "first", "third");
        Assert.That(_store.Query("SELECT 1 FROM refresh_tokens", static _ => 1), Is.Empty);
    }

    [Test]
    public async Task Account_WithTokens_IsReadAsItWasWritten()
    {
        var read = (await _configuration.AccountsAsync()).Single();
        Assert.That((read.OAuth!.RefreshToken, read.OAuth.ClientId, read.Password), Is.EqualTo(("first", "c", (string?)null)));
    }
}
