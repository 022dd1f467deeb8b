using System.Text;
using MailProxy.Pipeline.Flow;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class IdempotencyContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    [Test]
    public async Task Append_SameKeySameRequest_ReplaysTheAnswer()
    {
        await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m1"))]));

        var again = await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m2"))]));

        var replayed = (SubmissionAnswer.Replayed)again.Answers[0]!;
        Assert.That((replayed.Answer.Status, Encoding.UTF8.GetString(replayed.Answer.Body)), Is.EqualTo((202, "m1")));
        Assert.That(again.Tickets, Is.Empty);
        Assert.That(Bench.Look("m2"), Is.Null);
    }

    [Test]
    public async Task Append_SameKeyOtherRequest_SaysReused()
    {
        await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m1"))]));

        var again = await In30(Store.AppendNowAsync([Batch(Claim("k", 2), Mail("m2"))]));

        Assert.That(again.Answers[0], Is.InstanceOf<SubmissionAnswer.KeyReused>());
        Assert.That(Bench.Look("m2"), Is.Null);
    }

    [Test]
    public async Task Append_SameKeyTwiceInOneTurn_StoresOnce()
    {
        var appended = await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m1")), Batch(Claim("k", 1), Mail("m2"))]));

        Assert.That(appended.Answers[1], Is.InstanceOf<SubmissionAnswer.Replayed>());
        Assert.That(Bench.Look("m2"), Is.Null);
    }

    [Test]
    public async Task Append_AnswerThatIsNoSuccess_IsNotKept()
    {
        await In30(Store.AppendNowAsync([Batch(Claim("k", 1) with { Render = static _ => null }, Mail("m1"))]));

        var again = await In30(Store.AppendNowAsync([Batch(Claim("k", 2), Mail("m2"))]));

        Assert.That(again.Answers[0], Is.InstanceOf<SubmissionAnswer.Stored>());
    }

    [Test]
    public async Task Append_KeyAfterADay_CountsAsNew()
    {
        await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m1"))]));
        Bench.Clock.Advance(TimeSpan.FromHours(24));

        var again = await In30(Store.AppendNowAsync([Batch(Claim("k", 2), Mail("m2"))]));
        var third = await In30(Store.AppendNowAsync([Batch(Claim("k", 2), Mail("m3"))]));

        Assert.That(again.Answers[0], Is.InstanceOf<SubmissionAnswer.Stored>());
        Assert.That(third.Answers[0], Is.InstanceOf<SubmissionAnswer.Replayed>());
    }

    [Test]
    public async Task Append_KeyOfAnotherTenant_IsAnotherKey()
    {
        await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m1"))]));
        var other = new AcceptedBatch(new Submission("second", [], Claim("k", 2)), [new(Mail("m2"), "m2", null)]);

        Assert.That((await In30(Store.AppendNowAsync([other]))).Answers[0], Is.InstanceOf<SubmissionAnswer.Stored>());
    }

    [Test]
    public async Task Append_Key_SurvivesACrash()
    {
        await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m1"))]));

        Bench.Crash();

        Assert.That(
            (await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m1"))]))).Answers[0],
            Is.InstanceOf<SubmissionAnswer.Replayed>()
        );
    }

    [Test]
    public async Task Housekeeping_KeysOlderThanADay_AreForgotten()
    {
        await In30(Store.AppendNowAsync([Batch(Claim("k", 1), Mail("m1"))]));
        Bench.Clock.Advance(TimeSpan.FromHours(25));

        await AppendAsync(Mail("m2"));

        Assert.That(Bench.Count("idempotency"), Is.Zero);
    }

    private static IdempotencyClaim Claim(string key, byte fingerprint) =>
        new(key, [fingerprint], static lines => new(202, Encoding.UTF8.GetBytes(string.Join(',', lines.Select(l => l.Id)))));
}
