using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>What an attempt asks of its mark, step by step, and what it costs.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class AttemptMarkTests
{
    private readonly FakeMarks _marks = new();
    private readonly Sample.Permit _permit = new();

    [Test]
    public void Request_IsPassedOnOnce_AndSpendsNothing()
    {
        var mark = Mark();
        mark.Request();
        mark.Request();

        Assert.That(_marks.Steps, Is.EqualTo(new[] { "mark 1" }));
        Assert.That((mark.Begun, _permit.Spent), Is.EqualTo(((Mark?)null, 0)));
    }

    [Test]
    public void Begin_SpendsThePermitOnce_AndNotesWhatItCosts()
    {
        var mark = Mark();

        Assert.That((mark.TryBegin(), mark.TryBegin()), Is.EqualTo((true, true)));

        Assert.That(_permit.Spent, Is.EqualTo(1));
        Assert.That(_marks.Steps, Is.EqualTo(new[] { "begin 1" }));
        Assert.That((mark.Begun!.Permits, mark.Begun.Recipients), Is.EqualTo((_permit.Counts, 1)));
    }

    [Test]
    public void Begin_TheTicketWasWithdrawn_SpendsNothing()
    {
        _marks.Beginning = static _ => false;
        var mark = Mark();

        Assert.That(mark.TryBegin(), Is.False);

        Assert.That((mark.Begun, _permit.Spent), Is.EqualTo(((Mark?)null, 0)));
    }

    [Test]
    public async Task Out_IsNotedAfterTheMarkIsOnTheDisk_AndNotBefore()
    {
        var synced = new TaskCompletionSource<bool>();
        _marks.Marking = _ => synced.Task;
        var mark = Mark();
        mark.Request();
        mark.TryBegin();

        var going = mark.OutAsync(CancellationToken.None).AsTask();
        Assert.That(going.IsCompleted, Is.False);
        Assert.That(_marks.Steps, Is.EqualTo(new[] { "mark 1", "begin 1" }));
        synced.SetResult(true);

        Assert.That(await going.WaitAsync(TimeSpan.FromSeconds(30)), Is.True);
        Assert.That(_marks.Steps, Is.EqualTo(new[] { "mark 1", "begin 1", "out 1" }));
    }

    [Test]
    public async Task Out_NobodyAskedForTheMark_AsksForIt()
    {
        var mark = Mark();
        mark.TryBegin();

        Assert.That(await mark.OutAsync(CancellationToken.None), Is.True);

        Assert.That(_marks.Steps, Is.EqualTo(new[] { "begin 1", "mark 1", "out 1" }));
    }

    [Test]
    public async Task Out_TheMarkCannotBeWritten_LetsNothingGoOutAndSaysWhy()
    {
        _marks.Marking = static _ => Task.FromException<bool>(new StoreUnavailableException("disk full"));
        var mark = Mark();
        mark.TryBegin();

        Assert.That((await mark.OutAsync(CancellationToken.None), mark.Trouble), Is.EqualTo((false, "disk full")));

        Assert.That(_marks.Steps, Has.None.StartsWith("out"));
    }

    [Test]
    public async Task Out_CannotBeNoted_LetsNothingGoOutAndSaysWhy()
    {
        _marks.GoingOut = static _ => throw new StoreUnavailableException("disk gone");
        var mark = Mark();
        mark.TryBegin();

        Assert.That((await mark.OutAsync(CancellationToken.None), mark.Trouble), Is.EqualTo((false, "disk gone")));
    }

    [Test]
    public async Task Out_TheTicketWasWithdrawn_LetsNothingGoOutAndIsNoTrouble()
    {
        _marks.Marking = static _ => Task.FromResult(false);
        var mark = Mark();
        mark.TryBegin();

        Assert.That((await mark.OutAsync(CancellationToken.None), mark.Trouble), Is.EqualTo((false, (string?)null)));
    }

    [Test]
    public async Task Out_TheMarkComesTooLate_EndsTheWaitAndLetsNothingGoOut()
    {
        _marks.Marking = static _ => new TaskCompletionSource<bool>().Task;
        using var stop = new CancellationTokenSource();
        var mark = Mark();
        mark.TryBegin();
        var going = mark.OutAsync(stop.Token).AsTask();
        await stop.CancelAsync();

        Assert.That(async () => await going.WaitAsync(TimeSpan.FromSeconds(30)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(_marks.Steps, Has.None.StartsWith("out"));
    }

    [TestCase(AmbiguousPolicy.Retry, true, ExpectedResult = true)]
    [TestCase(AmbiguousPolicy.Retry, false, ExpectedResult = false)]
    [TestCase(AmbiguousPolicy.Hold, true, ExpectedResult = false)]
    [TestCase(AmbiguousPolicy.AssumeSent, true, ExpectedResult = false)]
    public bool MayBeEarly_OnlyWhatIsSentAgainAfterDoubtAndNoLimitCounts(AmbiguousPolicy policy, bool free) =>
        Sample.Mark(_marks, Sample.Content() with { OnAmbiguous = policy }, new Sample.Permit { Free = free }).MayBeEarly;

    [Test]
    public void MayBeEarly_KeysWithoutALimit_MayBe()
    {
        var counts = new PermitCounts(new(LimitKey.Of(new AccountKey(7)), 0), new(LimitKey.OfTenant(3), 0), new(LimitKey.Installation, 0));
        Assert.That((counts == PermitCounts.None, counts.IsNothing), Is.EqualTo((false, true)), "as the scheduler's gate gives them");
        Assert.That((counts with { Tenant = new(LimitKey.OfTenant(3), 1) }).IsNothing, Is.False);
    }

    private AttemptMark Mark() => Sample.Mark(_marks, permit: _permit);
}
