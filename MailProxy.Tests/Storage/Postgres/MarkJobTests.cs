using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Postgres;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>An attempt begins only when its mark is known to be written.</summary>
internal sealed class MarkJobTests
{
    [TestCase(1, true)]
    [TestCase(0, false)]
    public async Task Committed_ToldHowManyRows_IsWrittenOrNot(int rows, bool isWritten)
    {
        var job = new MarkJob((_, written) => written(rows));
        job.Run(null!);
        job.Committed();
        Assert.That(await job.Promise, Is.EqualTo(isWritten));
    }

    [Test]
    public void Committed_AnswerOfTheCommitLost_TheAttemptDoesNotBegin()
    {
        var job = new MarkJob(static (_, _) => { });
        job.Run(null!);
        job.Committed();
        Assert.That(() => job.Promise, Throws.InstanceOf<StoreUnavailableException>());
    }

    [Test]
    public void Committed_TriedAgainAndThenNotTold_TheFirstTryCountsNoMore()
    {
        var tries = 0;
        var job = new MarkJob(
            (_, written) =>
            {
                if (tries++ == 0)
                    written(1);
            }
        )
        {
            IsKept = false,
        };
        job.Run(null!);
        job.Run(null!);
        job.Committed();
        Assert.That(() => job.Promise, Throws.InstanceOf<StoreUnavailableException>());
    }

    [Test]
    public async Task Committed_ARemovalWhoseAnswerIsLost_IsOver()
    {
        var job = new MarkJob(static (_, _) => { }) { IsKept = true };
        job.Run(null!);
        job.Committed();
        Assert.That(await job.Promise, Is.True);
    }
}
