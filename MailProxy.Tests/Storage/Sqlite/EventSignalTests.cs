using MailProxy.Pipeline.Storage.Sql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class EventSignalTests
{
    [Test]
    public void Wait_PositionPassed_IsOver() =>
        Assert.That(new EventSignal(5).WaitBeyondAsync(4, default).IsCompletedSuccessfully, Is.True);

    [Test]
    public async Task Wait_SeveralPublications_EndsWithTheOneBeyond()
    {
        var signal = new EventSignal(5);
        var waiting = signal.WaitBeyondAsync(7, default);

        signal.Publish(6, []);
        signal.Publish(7, []);
        Assert.That(waiting.IsCompleted, Is.False);
        signal.Publish(8, []);

        await waiting.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Test]
    public void Publish_LowerPosition_IsIgnored()
    {
        var signal = new EventSignal(5);

        signal.Publish(3, []);

        Assert.That(signal.Last, Is.EqualTo(5));
    }

    [Test]
    public async Task Saw_BeforeItIsPublished_IsTheEndAndThoseWhoWaitAreToldAllTheSame()
    {
        var signal = new EventSignal(5);
        var (waiting, theirs) = (signal.WaitBeyondAsync(5, default), signal.WaitBeyondAsync("ann", 5, default));

        signal.Saw(6);
        Assert.That((signal.Last, waiting.IsCompleted), Is.EqualTo((6, false)));
        signal.Publish(6, ["ann"]);

        await Task.WhenAll(waiting, theirs).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Test]
    public void Wait_Cancelled_Ends()
    {
        using var cancel = new CancellationTokenSource();
        var waiting = new EventSignal(5).WaitBeyondAsync(5, cancel.Token);

        cancel.Cancel();

        Assert.That(async () => await waiting.WaitAsync(TimeSpan.FromSeconds(30)), Throws.InstanceOf<OperationCanceledException>());
    }
}
