using MailProxy.Pipeline.Send;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class ConnectionAllowanceTests
{
    private FakeTimeProvider _clock = null!;
    private ConnectionAllowance _allowance = null!;

    [SetUp]
    public void SetUp()
    {
        _clock = new();
        _allowance = new(_clock);
    }

    [Test]
    public void Within_NobodyTurnedAway_IsWhatIsConfigured() => Assert.That(_allowance.Within(8, 8), Is.EqualTo(8));

    [Test]
    public void Within_AfterSomebodyWasTurnedAway_GrowsByOneAMinuteUpToWhatIsConfigured()
    {
        _allowance.TurnedAway(2);

        Assert.That(Each(TimeSpan.FromSeconds(59), 1), Is.EqualTo(new[] { 2 }));
        Assert.That(Each(TimeSpan.FromSeconds(1), 1), Is.EqualTo(new[] { 3 }));
        Assert.That(Each(TimeSpan.FromMinutes(1), 3), Is.EqualTo(new[] { 4, 4, 4 }), "not while fewer are used");
        _allowance.TurnedAway(7);
        Assert.That(_allowance.Within(8, 7), Is.EqualTo(7));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.That(_allowance.Within(8, 7), Is.EqualTo(8));
        Assert.That(_allowance.Within(8, 8), Is.EqualTo(8));
    }

    [Test]
    public void Forget_AfterSomebodyWasTurnedAway_IsWhatIsConfigured()
    {
        _allowance.TurnedAway(1);
        _allowance.Forget();

        Assert.That(_allowance.Within(8, 1), Is.EqualTo(8));
    }

    // Three are used throughout.
    private int[] Each(TimeSpan step, int times) =>
        [
            .. Enumerable
                .Range(0, times)
                .Select(_ =>
                {
                    _clock.Advance(step);
                    return _allowance.Within(8, 3);
                }),
        ];
}
