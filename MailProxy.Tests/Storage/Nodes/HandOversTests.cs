using MailProxy.Pipeline.Storage.Nodes;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Nodes;

/// <summary>How long a unit that is to go to another node begins nothing new.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class HandOversTests
{
    private static readonly HashSet<long> One = [7];

    private readonly HandOvers _handOvers = new();

    private HashSet<long> At(double seconds, IReadOnlySet<long>? units = null, bool staysClosed = false) =>
        _handOvers.Closed(units ?? One, _ => staysClosed, TimeSpan.FromSeconds(1_000 + seconds));

    [Test]
    public void Closed_AnAttemptThatDoesNotEnd_IsOpenAgainAfterAWhileAndTriedLater()
    {
        Assert.Multiple(() =>
        {
            Assert.That(At(0), Is.EqualTo(One));
            Assert.That(At(4.9), Is.EqualTo(One));
            Assert.That(At(5), Is.Empty);
            Assert.That(At(64.9), Is.Empty);
            Assert.That(At(65), Is.EqualTo(One));
            Assert.That(At(70), Is.Empty);
        });
    }

    [Test]
    public void Closed_OneThatWentMeanwhile_BeginsAnew()
    {
        At(0);
        Assert.That(At(6), Is.Empty);
        Assert.That(At(7, new HashSet<long> { 8 }), Is.EqualTo(new[] { 8 }));
        Assert.That(At(8), Is.EqualTo(One));
    }

    [Test]
    public void Closed_NothingIsGainedByOpeningIt_StaysSo()
    {
        At(0);
        Assert.That(At(30, staysClosed: true), Is.EqualTo(One));
    }
}
