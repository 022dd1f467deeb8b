using MailProxy.Daemon.Cli;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

[TestFixture]
internal sealed class DemoResultTests
{
    [TestCase(0.5, 50)]
    [TestCase(0.99, 99)]
    [TestCase(1, 100)]
    [TestCase(0, 1)]
    public void Percentile_OneToHundred_NearestRank(double share, int milliseconds) =>
        Assert.That(
            DemoResult.Percentile([.. Enumerable.Range(1, 100).Reverse().Select(value => TimeSpan.FromMilliseconds(value))], share),
            Is.EqualTo(TimeSpan.FromMilliseconds(milliseconds))
        );

    [Test]
    public void Percentile_NothingSent_Null() => Assert.That(DemoResult.Percentile([], 0.5), Is.Null);

    [TestCase(98, 1, 1, 0, true)]
    [TestCase(97, 1, 1, 1, false)]
    [TestCase(97, 2, 1, 0, false)]
    [TestCase(98, 1, 0, 0, false)]
    [TestCase(98, 1, 1, 1, false)]
    public void AsExpected_OnlyWhenEveryMailIsWhereItShouldBe(int sent, int failed, int deferred, int queued, bool expected)
    {
        var states = States(sent, failed, deferred, queued);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Result(states, States(98, 1, 1, 0)).AsExpected, Is.EqualTo(expected));
            Assert.That(Result(States(98, 1, 1, 0), states).AsExpected, Is.EqualTo(expected));
        }
    }

    [Test]
    public void Lines_OfKnownFigures_SayEachForItself()
    {
        var lines = Result(States(98, 1, 1, 0), States(98, 1, 1, 0)).Lines().ToArray();
        Assert.That(
            lines,
            Is.EqualTo(
                new[]
                {
                    "",
                    "sent          196",
                    "failed          2   (perm@ refuses for good)",
                    "deferred        2   (temp@ asks to come again)",
                    "",
                    "accepts        50 messages/s: 16 clients, a message a request, none sent",
                    "                4 ms p50, 4 ms p99 from POST to 202 meanwhile",
                    "sends         100 messages/s: from a full queue, none posted",
                    "one mail        5 ms p50, 5 ms p99 from POST to 202",
                    "                6 ms p50, 6 ms p99 from there to sent",
                    "          at 25 messages/s, which leaves no queue: none waits for another",
                }
            )
        );
    }

    private static Dictionary<string, int> States(int sent, int failed, int deferred, int queued) =>
        new()
        {
            ["sent"] = sent,
            ["failed"] = failed,
            ["deferred"] = deferred,
            ["queued"] = queued,
        };

    private static DemoResult Result(Dictionary<string, int> drained, Dictionary<string, int> paced) =>
        new(
            new(100, Known(drained), TimeSpan.FromSeconds(2), [TimeSpan.FromMilliseconds(4)], TimeSpan.FromSeconds(1)),
            new(100, Known(paced), 25, [TimeSpan.FromMilliseconds(5)], [TimeSpan.FromMilliseconds(6)])
        );

    private static Dictionary<string, int> Known(Dictionary<string, int> states) =>
        states.Where(static state => state.Value > 0).ToDictionary();
}
