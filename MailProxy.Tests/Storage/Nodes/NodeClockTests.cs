using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Nodes;

/// <summary>All nodes go by the database's time, however their machines' clocks are set.</summary>
internal sealed class NodeClockTests
{
    private static readonly DateTimeOffset Begin = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    private LogRecorder _log = new();

    [SetUp]
    public void Listen() => _log = new();

    [Test]
    public void GetUtcNow_NothingHeardYet_IsTheMachines()
    {
        var machine = new Machine();
        var clock = new NodeClock(machine);
        machine.Ahead = TimeSpan.FromHours(3);
        Assert.That(clock.GetUtcNow(), Is.EqualTo(machine.GetUtcNow()));
    }

    [Test]
    public void Hear_ReadAtAnyMomentOfAnyQuestionWhileTheMachinesClockIsSet_IsWrongByHalfAQuestionAtTheMost()
    {
        var dice = new Random(1);
        for (var round = 0; round < 200; round++)
        {
            var machine = new Machine();
            var clock = new NodeClock(machine);
            for (var beat = 0; beat < 30; beat++)
            {
                machine.Ahead = TimeSpan.FromSeconds(dice.Next(-4000, 4000));
                var asked = machine.GetTimestamp();
                machine.Pass(TimeSpan.FromMilliseconds(dice.Next(50)));
                var told = machine.True;
                machine.Pass(TimeSpan.FromMilliseconds(dice.Next(50)));
                var answered = machine.GetTimestamp();
                machine.Pass(TimeSpan.FromMilliseconds(dice.Next(3)));
                clock.Hear(told, asked, answered, _log);
                machine.Pass(TimeSpan.FromMilliseconds(dice.Next(5000)));
                Assert.That((clock.GetUtcNow() - machine.True).Duration(), Is.LessThanOrEqualTo(TimeSpan.FromMilliseconds(50)));
            }
        }
    }

    [Test]
    public void Hear_AQuickAnswerBehindASlowOne_MakesItExact()
    {
        var machine = new Machine();
        var clock = new NodeClock(machine);
        var asked = machine.GetTimestamp();
        var told = machine.True;
        machine.Pass(TimeSpan.FromSeconds(3));
        clock.Hear(told, asked, machine.GetTimestamp(), _log);
        Assert.That(clock.GetUtcNow() - machine.True, Is.EqualTo(TimeSpan.FromSeconds(-1.5)));

        clock.Hear(machine.True, machine.GetTimestamp(), machine.GetTimestamp(), _log);
        Assert.That(clock.GetUtcNow(), Is.EqualTo(machine.True));
    }

    [Test]
    public void Hear_ASlowAnswerBehindAQuickOne_ChangesNothing()
    {
        var machine = new Machine();
        var clock = new NodeClock(machine);
        clock.Hear(machine.True, machine.GetTimestamp(), machine.GetTimestamp(), _log);
        var asked = machine.GetTimestamp();
        machine.Pass(TimeSpan.FromSeconds(3));
        clock.Hear(machine.True, asked, machine.GetTimestamp(), _log);
        Assert.That(clock.GetUtcNow(), Is.EqualTo(machine.True));
    }

    [Test]
    public void Hear_TheDatabasesClockWasSet_IsFollowed()
    {
        var machine = new Machine();
        var clock = new NodeClock(machine);
        clock.Hear(machine.True, machine.GetTimestamp(), machine.GetTimestamp(), _log);
        clock.Hear(machine.True.AddHours(-1), machine.GetTimestamp(), machine.GetTimestamp(), _log);
        Assert.That(clock.GetUtcNow(), Is.EqualTo(machine.True.AddHours(-1)));
    }

    [Test]
    public void Hear_TheMachinesClockIsOffForAWhile_IsSaidOnceAndThatItIsOver()
    {
        var machine = new Machine();
        var clock = new NodeClock(machine);
        foreach (var ahead in (double[])[0.4, 90, 91, 92, 0, 0, -0.9])
        {
            machine.Ahead = TimeSpan.FromSeconds(ahead);
            clock.Hear(machine.True, machine.GetTimestamp(), machine.GetTimestamp(), _log);
        }

        Assert.That(_log.Lines, Has.Count.EqualTo(2));
        Assert.That(_log.Lines[0].Text, Does.Contain("is 90 s ahead of the database's"));
        Assert.That(_log.Lines[1].Text, Does.Contain("goes with the database's again"));
    }

    /// <summary>Its wall clock may be set, what only runs forward is true.</summary>
    private sealed class Machine : TimeProvider
    {
        private long _ticks = 12345;

        public TimeSpan Ahead { get; set; }

        public DateTimeOffset True => Begin.AddTicks(_ticks);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public override DateTimeOffset GetUtcNow() => True + Ahead;

        public void Pass(TimeSpan time) => _ticks += time.Ticks;
    }
}
