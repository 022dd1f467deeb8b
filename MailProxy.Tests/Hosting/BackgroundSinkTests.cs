using System.Text;
using MailProxy.Daemon.Hosting;
using MailProxy.Tests.Support;
using NUnit.Framework;
using Serilog;
using Serilog.Core;

namespace MailProxy.Tests.Hosting;

[TestFixture]
internal sealed class BackgroundSinkTests
{
    [Test]
    public void Dispose_AReaderThatReads_EverythingWasWrittenInOrder()
    {
        using var target = new MemoryStream();
        using (var logger = Logger(target, TestDaemon.Deadline))
            for (var n = 0; n < 1000; n++)
                logger.Information("Line {Number}", n);
        var lines = Encoding.UTF8.GetString(target.ToArray()).TrimEnd('\n').Split('\n');
        Assert.That(
            lines.Select(l => l[(l.IndexOf("INF ", StringComparison.Ordinal) + 4)..]),
            Is.EqualTo(Enumerable.Range(0, 1000).Select(n => $"Line {n}"))
        );
    }

    [Test]
    public void Emit_AReaderThatHasStopped_ReturnsAndTheEndComes()
    {
        using var target = new StalledStream();
        var sink = new BackgroundSink(target, new LogLine(syslog: false), TimeProvider.System, TimeSpan.Zero, capacity: 10);
        using (var logger = Logger(sink))
        {
            logger.Information("First");
            target.Reached.Wait(TestDaemon.Deadline);
            for (var n = 0; n < 30; n++)
                logger.Information("Line {Number}", n);
            Assert.That(sink.Dropped, Is.EqualTo(20));
        }

        target.Go.Set();
    }

    [Test]
    public void Emit_AReaderThatStoppedAndReadsAgain_IsToldHowManyWereDropped()
    {
        using var target = new StalledStream();
        var sink = new BackgroundSink(target, new LogLine(syslog: false), TimeProvider.System, TestDaemon.Deadline, capacity: 10);
        using (var logger = Logger(sink))
        {
            logger.Information("First");
            target.Reached.Wait(TestDaemon.Deadline);
            for (var n = 0; n < 13; n++)
                logger.Information("Line {Number}", n);
            target.Go.Set();
        }

        var text = target.Text;
        Assert.That(text.TrimEnd('\n').Split('\n'), Has.Length.EqualTo(12));
        Assert.That(
            text,
            Does.Contain(" WRN MailProxy.Daemon.Hosting.BackgroundSink: 3 lines of the log were dropped, because its reader is too slow\n")
        );
    }

    [Test]
    public void Emit_ATargetThatFails_IsCountedAndNothingIsThrown()
    {
        using var target = new StalledStream { Fails = true };
        target.Go.Set();
        var sink = new BackgroundSink(target, new LogLine(syslog: false), TimeProvider.System, TestDaemon.Deadline);
        using (var logger = Logger(sink))
            logger.Information("Nobody reads this");
        Assert.That(sink.Dropped, Is.EqualTo(1));
    }

    private static Logger Logger(Stream target, TimeSpan deadline) =>
        Logger(new BackgroundSink(target, new LogLine(syslog: false), TimeProvider.System, deadline));

    private static Logger Logger(BackgroundSink sink) => new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(sink).CreateLogger();

    /// <summary>Takes nothing until it may.</summary>
    private sealed class StalledStream : MemoryStream
    {
        private readonly MemoryStream _taken = new();

        public ManualResetEventSlim Reached { get; } = new();

        public ManualResetEventSlim Go { get; } = new();

        public bool Fails { get; init; }

        public string Text => Encoding.UTF8.GetString(_taken.ToArray());

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Reached.Set();
            Go.Wait(TestDaemon.Deadline);
            if (Fails)
                throw new IOException("No space left on device");
            _taken.Write(buffer);
        }
    }
}
