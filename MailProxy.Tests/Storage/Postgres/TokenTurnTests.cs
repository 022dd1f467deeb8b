using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>One node at a time uses an account's refresh token.</summary>
internal sealed class TokenTurnTests : MessageStoreContract<PostgresBench>
{
    private static readonly AccountKey Box = new(1);

    private IRefreshTokens Tokens => new SqlRefreshTokens(Bench.Database, new([MasterKey.Generate()]), TimeProvider.System);

    private Task OtherHasItAsync(string since, string dead) =>
        Bench.Database.Writer.WriteAsync(session =>
            session.Run(
                $"""
                WITH other AS (
                    INSERT INTO nodes (name, place, version, started_at, dead_at) VALUES ('other', 'p', '1', 1, {dead}) RETURNING session
                )
                INSERT INTO token_turns SELECT {Box.Number}, session, (extract(epoch FROM now()) * 1000)::bigint - {since} FROM other
                """
            )
        );

    [Test]
    public async Task TryTake_IsFree_IsTakenAndTakenAgainUntilItIsGivenBack()
    {
        Assert.That(await Tokens.TryTakeTurnAsync(Box), Is.True);
        Assert.That(await Tokens.TryTakeTurnAsync(Box), Is.True, "by the same node");
        await Tokens.EndTurnAsync(Box);
        await OtherHasItAsync("0", "NULL");
        Assert.That(await Tokens.TryTakeTurnAsync(Box), Is.False);
        await Tokens.EndTurnAsync(Box);
        Assert.That(await Tokens.TryTakeTurnAsync(Box), Is.False, "nobody gives back what another has");
    }

    [TestCase("0", "5", TestName = "TryTake_TheOtherIsDead_IsTaken")]
    [TestCase("121000", "NULL", TestName = "TryTake_TheOtherHasItForLongerThanAUseLasts_IsTaken")]
    public async Task TryTake_OfAnother_IsTaken(string since, string dead)
    {
        await OtherHasItAsync(since, dead);
        Assert.That(await Tokens.TryTakeTurnAsync(Box), Is.True);
    }
}
