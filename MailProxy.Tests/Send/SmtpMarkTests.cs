using MailProxy.Pipeline.Send;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

/// <summary>The mark and the body: nothing is delivered before the mark is written.</summary>
internal sealed class SmtpMarkTests : SmtpConnectionFixture
{
    [TestCase(100)]
    [TestCase(100_000)]
    public async Task Transact_MarkIsStale_DeliversNothingAndHangsUp(int size)
    {
        var mark = new TaskCompletionSource<bool>();
        var content = Sample.Content($$"""{"from":"a@x.example","to":"b@y.example","text":"{{new string('x', size)}}"}""");
        var transaction = TransactAsync(content, mark.Task);

        await _server.Seen("DATA");
        mark.SetResult(false);

        var result = await transaction.WaitAsync(Generous);
        await _server.Seen("GONE");
        Assert.That(result.End, Is.EqualTo(TransactionEnd.Unmarked));
        Assert.That(_server.Mails, Is.Empty);
    }

    [Test]
    public async Task Transact_MarkFaults_DeliversNothing()
    {
        var result = await TransactAsync(Sample.Content(), Task.FromException<bool>(new InvalidOperationException("disk")));

        await _server.Seen("GONE");
        Assert.That(result.End, Is.EqualTo(TransactionEnd.Unmarked));
        Assert.That(_server.Mails, Is.Empty);
    }

    [Test]
    public async Task Transact_MarkIsLate_SendsAllButTheLastBlockMeanwhile()
    {
        var mark = new TaskCompletionSource<bool>();
        var transaction = TransactAsync(
            Sample.Content(
                $$"""{"from":"a@x.example","to":"b@y.example","text":"{{string.Join("\\n", Enumerable.Repeat(new string('x', 70), 2000))}}"}"""
            ),
            mark.Task
        );

        await _server.Seen("BODY");
        Assert.That(_server.Mails, Is.Empty);
        Assert.That(transaction.IsCompleted, Is.False);
        mark.SetResult(true);

        Assert.That((await transaction.WaitAsync(Generous)).Ending!.Code, Is.EqualTo(250));
    }
}
