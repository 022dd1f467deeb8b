using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Ingest;
using MailProxy.Pipeline.Sharing;
using NUnit.Framework;

namespace MailProxy.Tests.Ingest;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class SubmissionTurnsTests
{
    private readonly SubmissionTurns _turns = new(4, new(0.5, static () => true));

    private static Submission Of(string tenant) => new(tenant, [], null);

    private List<string> TakeAll()
    {
        var taken = new List<string>();
        while (_turns.TryTake(out var submission))
            taken.Add(submission.Tenant);
        return taken;
    }

    [Test]
    public void TryTake_OneTenantWithAHundred_LeavesWorkersToTheNext()
    {
        for (var i = 0; i < 100; i++)
            _turns.Add(Of("hog"));
        Assert.That(TakeAll(), Is.EqualTo(new[] { "hog", "hog" }));
        _turns.Add(Of("victim"));
        Assert.That(TakeAll(), Is.EqualTo(new[] { "victim" }));
        Assert.That((_turns.Of("hog"), _turns.Of("victim").Held), Is.EqualTo(((2L, 1L), 1L)));
    }

    [Test]
    public void TryTake_SeveralTenants_InTurnWhateverCameFirst()
    {
        for (var i = 0; i < 3; i++)
            _turns.Add(Of("a"));
        for (var i = 0; i < 3; i++)
            _turns.Add(Of("b"));
        var order = "";
        while (_turns.TryTake(out var submission))
        {
            order += submission.Tenant;
            _turns.Done(submission);
        }

        Assert.That(order, Is.EqualTo("ababab"));
    }

    [Test]
    public void TryTake_OnlyTenant_HasEveryWorker()
    {
        var alone = new SubmissionTurns(4, TenantShare.Unlimited);
        for (var i = 0; i < 9; i++)
            alone.Add(Of("a"));
        var taken = 0;
        while (alone.TryTake(out _))
            taken++;
        Assert.That(taken, Is.EqualTo(4));
    }

    [Test]
    public void Done_Ends_ItsTenantGoesOn()
    {
        for (var i = 0; i < 3; i++)
            _turns.Add(Of("a"));
        _turns.TryTake(out var first);
        Assert.That(TakeAll(), Has.Count.EqualTo(1));
        _turns.Done(first!);
        Assert.That(TakeAll(), Has.Count.EqualTo(1));
    }
}
