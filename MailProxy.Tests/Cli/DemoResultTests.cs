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
    public void Percentile_OneToHundred_NearestRank(double share, int milliseconds)
    {
        var result = Result([.. Enumerable.Range(1, 100).Reverse().Select(value => TimeSpan.FromMilliseconds(value))]);
        Assert.That(result.Percentile(share), Is.EqualTo(TimeSpan.FromMilliseconds(milliseconds)));
    }

    [Test]
    public void Percentile_NothingSent_Null() => Assert.That(Result([]).Percentile(0.5), Is.Null);

    [TestCase(98, 1, 1, 0, true)]
    [TestCase(97, 1, 1, 1, false)]
    [TestCase(97, 2, 1, 0, false)]
    [TestCase(98, 1, 0, 0, false)]
    [TestCase(98, 1, 1, 1, false)]
    public void AsExpected_OnlyWhenEveryMailIsWhereItShouldBe(int sent, int failed, int deferred, int queued, bool expected)
    {
        var states = new Dictionary<string, int>
        {
            ["sent"] = sent,
            ["failed"] = failed,
            ["deferred"] = deferred,
            ["queued"] = queued,
        };
        Assert.That(new DemoResult(100, states, TimeSpan.FromSeconds(1), []).AsExpected, Is.EqualTo(expected));
    }

    private static DemoResult Result(IReadOnlyList<TimeSpan> latencies) =>
        new(100, new Dictionary<string, int>(), TimeSpan.FromSeconds(1), latencies);
}
