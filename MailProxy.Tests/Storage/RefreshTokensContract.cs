using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

/// <summary>Refresh tokens that a server replaced: sealed, for the one that a person had set, and gone with the account.</summary>
[TestOf(typeof(IRefreshTokens))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class RefreshTokensContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private AccountKey _account;

    private IRefreshTokens Tokens => Bench.Tokens;

    [SetUp]
    public async Task PutAsync() => _account = await PutAccountAsync("main");

    [Test]
    public async Task Find_AfterSave_GivesWhatStandsForTheGivenOne()
    {
        Assert.That(await Tokens.FindAsync(_account, "first"), Is.Null);
        await Tokens.SaveAsync(_account, "first", "r0tated-1");
        await Tokens.SaveAsync(_account, "first", "r0tated-2");
        Assert.That(await Tokens.FindAsync(_account, "first"), Is.EqualTo("r0tated-2"));
        Assert.That(await Tokens.FindAsync(_account, "another"), Is.Null, "a person has set a new one since");
        Assert.That(Bench.Count("refresh_tokens"), Is.EqualTo(1));

        Bench.Crash();
        Assert.That(await Tokens.FindAsync(_account, "first"), Is.EqualTo("r0tated-2"));
    }

    [Test]
    public async Task Save_IsSealed()
    {
        await Tokens.SaveAsync(_account, "first", "r0tated");
        Assert.That(await Bench.LeftAsync("r0tated"), Is.False);
        Assert.That(await Bench.LeftAsync("main"), Is.True, "it looks where the account is");
    }

    [Test]
    public async Task Save_AccountIsGone_KeepsNothing()
    {
        await Tokens.SaveAsync(_account, "first", "second");
        await Bench.Configuration.DeleteAccountAsync("default", "main", "test");
        Assert.That(await Tokens.FindAsync(_account, "first"), Is.Null);
        await Tokens.SaveAsync(_account, "first", "third");
        Assert.That(Bench.Count("refresh_tokens"), Is.Zero);
    }
}
